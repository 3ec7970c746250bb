// The disk space of a local store: which segment takes the next extent, how much of the cap is used, and when
// a segment is closed, sealed or deleted. Thread-safe; blocks on the local disk when a segment has to grow.
//
// Used space counts whole pages of everything allocated (records, room for footers, room ahead of the tail)
// less the holes. It never goes over the cap: growth is counted before the file grows.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <vector>

#include "agent/core/guarded.hpp"
#include "agent/core/result.hpp"
#include "agent/store/segment.hpp"

namespace agent::store {

// Sealing sorts a segment's entries to write its footer; this bounds the memory that takes.
constexpr std::uint64_t k_max_segment_entries = 65'536;

struct SpaceOptions {
  io::fs::path folder;
  std::uint64_t max_size_bytes = 0;
  std::uint64_t min_free_bytes = 0;
  std::uint64_t segment_bytes = 0;
};

// Room for one record, counted as a writer and a user of its segment until commit or abandon.
struct Extent {
  std::shared_ptr<Segment> segment;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t entry_bytes = 0;
};

class Space final {
public:
  explicit Space(SpaceOptions options);

  // Either an extent, or how many bytes have to be freed first.
  struct Placement {
    std::optional<Extent> extent;
    std::uint64_t missing_bytes = 0;
  };

  // `size` is a multiple of 8; `entry_bytes` is what the record takes in a footer.
  // Errors: full (disk, quota, min_free_bytes), invalid (can never fit), io, denied.
  Result<Placement> reserve(std::uint64_t size, std::uint64_t entry_bytes);

  // The record is in the index now and takes only this much of what was reserved: one writer less.
  void commit(const Extent& extent, std::uint64_t size, std::uint64_t entry_bytes);

  // Nothing was written to it: the next reservation gets it. False where another one lies behind it; then it
  // is still to be abandoned.
  bool give_back(const Extent& extent);

  // There is no record, and never will be.
  void abandon(const Extent& extent);

  // A record that nobody can reach any more: one user less. Returns how many bytes became free.
  std::uint64_t release(Segment& segment, std::uint64_t begin, std::uint64_t end);

  // Closes the open segment, so that it can be sealed once its writers are gone.
  void close_open();

  // A closed segment without writers, which is the caller's to seal now. Empty: none.
  std::shared_ptr<Segment> take_closed();

  // Waits for one until the stop request; then empty.
  std::shared_ptr<Segment> wait_closed(const std::stop_token& stop);

  // Waits until every taken segment is finished; whoever took one always finishes it.
  void wait_finished();

  // A taken segment ends at `end`, with a footer from its tail on (or none, where end is its tail).
  void finish(const std::shared_ptr<Segment>& segment, std::uint64_t end);

  // Takes in a segment that was there when the store was opened, then each of its records, then what is
  // known about the whole. Segments come in order of their numbers, before any reservation.
  void adopt(const std::shared_ptr<Segment>& segment);
  void adopt_record(Segment& segment, std::uint64_t begin, std::uint64_t end);
  struct Adopted {
    enum class As : std::uint8_t {
      sealed,     // it has a footer
      unsealed,   // it gets one soon
      continued,  // reservations may append to it; a footer that it has is cut off then
    } as = As::sealed;
    std::uint64_t tail = 0;
    std::uint64_t end = 0;
    std::uint64_t footer_room = 0;
    std::uint64_t entries = 0;
    std::uint64_t on_disk_bytes = 0;  // what the file system says it takes
  };
  void settle(const std::shared_ptr<Segment>& segment, const Adopted& adopted);

  // Segments that still wait for their footer or for writers are synced as they are.
  Result<void> sync_unsealed();

  std::uint64_t used_bytes() const;

private:
  struct Shared {
    std::map<std::uint64_t, std::shared_ptr<Segment>> segments;
    std::shared_ptr<Segment> open;
    std::shared_ptr<Segment> continued;  // becomes the open one at the first reservation
    std::vector<std::shared_ptr<Segment>> closed;
    std::uint64_t taken = 0;  // and not finished
    std::uint64_t used = 0;
    std::uint64_t next_number = 1;
  };
  struct Claim {  // on used space, for one segment to grow
    std::shared_ptr<Segment> segment;
    std::uint64_t from = 0;
    std::uint64_t least = 0;
    std::uint64_t to = 0;
    std::uint64_t missing_bytes = 0;
  };

  std::optional<Extent> place(std::uint64_t size, std::uint64_t entry_bytes);
  Result<Placement> grow(std::uint64_t size, std::uint64_t entry_bytes);
  Result<Placement> place_alone(std::uint64_t size, std::uint64_t entry_bytes);
  Claim claim(Shared& shared, std::shared_ptr<Segment> segment, std::uint64_t least) const;
  Result<void> extend(const Claim& claim);
  Result<void> allocate(const Segment& segment, std::uint64_t from, std::uint64_t to) const;
  Result<void> begin_segment();
  bool continue_segment();
  Result<std::shared_ptr<Segment>> create_segment();
  void close_and_trim();
  static bool writer_done(Shared& shared, const std::shared_ptr<Segment>& segment);
  void announce_if(bool closed);
  std::uint64_t count_freed(const std::shared_ptr<Segment>& segment, std::uint64_t freed,
                            std::uint64_t users);

  const SpaceOptions options_;
  // Held across the growing of a file, so that reservations that need room wait for one growth instead of
  // each starting their own. Always taken before `shared_`, which is never held across a system call.
  std::mutex growth_;
  Guarded<Shared> shared_;
};

}  // namespace agent::store
