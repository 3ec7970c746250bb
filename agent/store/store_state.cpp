#include "agent/store/store_state.hpp"

#include "agent/core/log.hpp"

namespace agent::store {

namespace {

struct Pin {
  Pin(std::shared_ptr<StoreState> its_state, Node* its_node) : state(std::move(its_state)), node(its_node) {}
  Pin(const Pin&) = delete;
  Pin& operator=(const Pin&) = delete;
  ~Pin() { state->unpin(node); }

  std::shared_ptr<StoreState> state;
  Node* node;
};

}  // namespace

StoreState::StoreState(const StoreOptions& options, io::Fd its_lock, DeadLog its_dead,
                       metrics::Registry& registry)
    : lock(std::move(its_lock)),
      durability(options.durability),
      dead(std::move(its_dead)),
      space({.folder = options.folder,
             .max_size_bytes = options.max_size_bytes,
             .min_free_bytes = options.min_free_bytes,
             .segment_bytes = options.segment_bytes}),
      objects_gauge_(registry.gauge("hearth_store_objects", "Objects in the local store.")),
      bytes_gauge_(registry.gauge("hearth_store_bytes", "Bytes of the objects in the local store.")),
      evicted_counter_(registry.counter("hearth_store_evicted_total",
                                        "Objects evicted from the local store to stay under its size cap.")),
      quarantined_counter_(registry.counter(
          "hearth_store_quarantined_total",
          "Objects of the local store that were dropped because their bytes were corrupt.")) {}

Stored StoreState::stored(Node* node, const Located& object) {
  return {.slice = {.fd = object.segment->file.get(),
                    .offset = object.offset,
                    .size = object.size,
                    .pin = std::make_shared<const Pin>(shared_from_this(), node)},
          .digest = object.digest,
          .crc32c = object.crc32c};
}

std::uint64_t StoreState::free_record(NodePtr node) {
  const auto extent = extent_of(*node);
  return space.release(*located(*node).segment, extent.begin, extent.end);
}

std::uint64_t StoreState::bury(Gone gone) {
  dead.append(gone.mark, gone.end);
  return gone.node ? free_record(std::move(gone.node)) : 0;
}

std::uint64_t StoreState::evict(std::uint64_t bytes) {
  std::uint64_t freed = 0;
  while (freed < bytes) {
    auto gone = index.erase_coldest();
    if (!gone) {
      break;
    }
    freed += bury(std::move(*gone));
    evicted.fetch_add(1, std::memory_order_relaxed);
    evicted_counter_.add();
  }
  count_objects();
  return freed;
}

void StoreState::quarantine(Node* node, const Located& object) {
  auto gone = index.erase(node);
  if (!gone) {
    return;
  }
  log::warn("store: quarantined a corrupt object digest={} segment={} offset={}", object.digest.hex(),
            object.segment->number, object.offset);
  bury(std::move(*gone));
  quarantined.fetch_add(1, std::memory_order_relaxed);
  quarantined_counter_.add();
  count_objects();
}

void StoreState::unpin(Node* node) {
  if (auto last = index.unpin(node)) {
    free_record(std::move(last));
  }
}

void StoreState::count_objects() {
  objects_gauge_.set(static_cast<std::int64_t>(index.objects()));
  bytes_gauge_.set(static_cast<std::int64_t>(index.bytes()));
}

}  // namespace agent::store
