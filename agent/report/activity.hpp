// What a run did over time, beside its figures: what the live page draws, and what a record keeps of it.
// Values; safe from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/io/json.hpp"
#include "agent/report/figures.hpp"

namespace agent::report {

// Counts from the beginning of the run up to one moment.
struct TimelinePoint {
  std::int64_t at_ms = 0;  // since 1970
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t stores = 0;
  std::uint64_t read_bytes = 0;
  std::uint64_t written_bytes = 0;
  std::uint64_t published = 0;
  std::uint64_t pending = 0;  // not a count from the beginning: those that wait now

  bool operator==(const TimelinePoint&) const = default;
};

// Lookups where they are counted, else sccache's compilations (disk mode).
TimelinePoint point_of(const Figures& figures, std::int64_t at_ms);

// Moments at even distances, however long the run: when there are too many, every other one goes and from
// then on they are taken half as often.
class Timeline final {
public:
  static constexpr std::size_t k_most = 240;

  explicit Timeline(std::int64_t interval_ms = 1'000) : interval_ms_(interval_ms) {}

  // Whether a point at this time would be kept.
  bool wants(std::int64_t at_ms) const;
  void add(const TimelinePoint& point);  // nothing where it is not wanted
  void end(const TimelinePoint& point);  // the last one is kept in any case
  const std::vector<TimelinePoint>& points() const { return points_; }

private:
  std::int64_t interval_ms_;
  std::vector<TimelinePoint> points_;
};

struct LatencyBucket {  // of lookups answered with a hit
  double up_to_ms = 0;
  std::uint64_t count = 0;

  bool operator==(const LatencyBucket&) const = default;
};

struct MissedKey {
  std::uint64_t number = 0;  // counted from 1
  std::string key;           // sixteen hexadecimal digits, as `hearth why` takes them
  std::string reason;

  bool operator==(const MissedKey&) const = default;
};

struct Activity {
  std::vector<TimelinePoint> timeline;  // oldest first
  std::vector<LatencyBucket> latency;   // ascending; empty buckets left out
  std::vector<MissedKey> misses;        // the last few, newest first

  bool operator==(const Activity&) const = default;
};

// `{timeline:[[…]], latency:[[ms,count]], misses:[{number,key,reason}]}`; docs/formats.md, "Record of a run".
io::Json to_json(const Activity& activity);

// Of outside bytes: what is of the wrong shape or too much is left out; absent members are empty.
Activity activity_from(const io::Json& json);

}  // namespace agent::report
