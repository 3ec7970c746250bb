// What the parts of the local store share. Private to this module. Thread-safe: every member guards itself.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string_view>

#include "agent/core/guarded.hpp"
#include "agent/metrics/registry.hpp"
#include "agent/store/dead_log.hpp"
#include "agent/store/index.hpp"
#include "agent/store/space.hpp"
#include "agent/store/store.hpp"

namespace agent::store {

class StoreState final : public std::enable_shared_from_this<StoreState> {
public:
  StoreState(const StoreOptions& options, io::Fd its_lock, DeadLog its_dead, metrics::Registry& registry);

  // A pinned node as callers get it; the pin keeps this state (and the folder's lock) as well.
  Stored stored(Node* node, const Located& object);

  // A record that left the index: marked dead, and its space freed unless it is pinned; returns how much.
  std::uint64_t bury(Gone gone);

  // Frees about `bytes` by evicting; returns how many became free, 0 where nothing was left to evict.
  std::uint64_t evict(std::uint64_t bytes);

  // Takes a corrupt object out. `node` is pinned by the caller.
  void quarantine(Node* node, const Located& object);

  void unpin(Node* node);

  // Brings the gauges up to date.
  void count_objects();

  const io::Fd lock;
  const io::Durability durability;
  DeadLog dead;
  Space space;
  Index index;
  Guarded<std::uint64_t> scrub_cursor;
  std::atomic<std::uint64_t> evicted{0};
  std::atomic<std::uint64_t> quarantined{0};

private:
  std::uint64_t free_record(NodePtr node);

  metrics::Gauge& objects_gauge_;
  metrics::Gauge& bytes_gauge_;
  metrics::Counter& evicted_counter_;
  metrics::Counter& quarantined_counter_;
};

// Writes the footer of a segment that Space::take_closed gave, and syncs it.
Result<void> seal_segment(StoreState& state, const std::shared_ptr<Segment>& segment);

// The segment files of a folder by number.
Result<std::map<std::uint64_t, io::fs::path>> list_segments(const io::fs::path& folder);

// Fills index and space from these segments, before the store takes any call.
Result<void> recover(StoreState& state, const std::map<std::uint64_t, io::fs::path>& segments,
                     std::uint64_t segment_bytes);

}  // namespace agent::store
