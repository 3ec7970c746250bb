// Finds the committed records of a segment that has no footer (docs/formats.md, "Record"), after a crash.
// Steps over extents that were never committed, over those that are known to be dead, whatever is left of
// them, and over garbage in steps of 8 bytes. Where the end of a dead one is not known and its header is
// gone, what lies behind is not looked at: its payload may hold what looks like a record. Used by one thread
// at a time; reads the file in small pieces, so memory is bounded. Errors: io. What does not parse is no
// error.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/store/dead_log.hpp"
#include "agent/store/pack_format.hpp"

namespace agent::store {

class RecordScanner final {
public:
  // Looks at the first `size` bytes of the file, which must exist. `dead` comes by where they begin.
  RecordScanner(int fd, std::uint64_t size, std::vector<DeadExtent> dead)
      : fd_(fd), size_(size), dead_(std::move(dead)) {}

  // The next committed record; empty at the end. The key lives until the next call.
  Result<std::optional<PackEntry>> next();

  // Where the last extent seen so far ends, committed or not: new records may go there.
  std::uint64_t tail() const { return tail_; }

  // Where it ended because a dead extent begins there of which neither header nor end is known.
  std::optional<std::uint64_t> lost_at() const { return lost_at_; }

private:
  Result<std::span<const std::byte>> window(std::uint64_t offset, std::size_t wanted);
  Result<std::optional<PackEntry>> record_at(const RecordHeader& header);
  bool footer_at(std::span<const std::byte> bytes) const;
  const DeadExtent* dead_from_here_on();
  void step_over(const DeadExtent& dead);

  int fd_;
  std::uint64_t size_;
  std::vector<DeadExtent> dead_;
  std::size_t next_dead_ = 0;
  std::uint64_t at_ = 0;
  std::uint64_t tail_ = 0;
  std::optional<std::uint64_t> lost_at_;
  std::uint64_t window_offset_ = 0;
  std::vector<std::byte> window_;
};

}  // namespace agent::store
