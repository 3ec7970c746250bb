#include "agent/store/store.hpp"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "agent/core/log.hpp"
#include "agent/io/checksum.hpp"
#include "agent/store/incoming_state.hpp"
#include "agent/store/store_state.hpp"

namespace agent::store {

namespace {

constexpr std::uint64_t k_read_bytes = std::uint64_t{128} << 10U;

// Reads an object piece by piece; false where it cannot be read whole.
template <typename Take>
bool read_through(const io::FileSlice& slice, Take take) {
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min(slice.size, k_read_bytes)));
  for (std::uint64_t done = 0; done < slice.size;) {
    const auto part = std::span(buffer).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), slice.size - done)));
    if (!io::read_exact_at(slice.fd, part, slice.offset + done, "object")) {
      return false;
    }
    take(part);
    done += part.size();
  }
  return true;
}

bool checksum_holds(const Stored& object) {
  std::uint32_t sum = 0;
  return read_through(object.slice, [&](std::span<const std::byte> part) { sum = io::crc32c(part, sum); }) &&
         sum == object.crc32c;
}

bool digest_holds(const Stored& object) {
  io::Sha256 hash;
  return read_through(object.slice, [&](std::span<const std::byte> part) { hash.update(part); }) &&
         hash.finish() == object.digest;
}

void seal_closed(StoreState& state, const std::shared_ptr<Segment>& segment) {
  if (const auto sealed = seal_segment(state, segment); !sealed) {
    log::warn("store: segment not sealed path={} error={}", segment->path.string(), sealed.error().message);
  }
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const StoreOptions& options, metrics::Registry& registry) {
  AGENT_CHECK(io::make_folders(options.folder));
  AGENT_TRY(auto lock, io::lock_file(options.folder / "lock", std::chrono::milliseconds(0)));
  if (!lock) {
    return fail(Errc::conflict, "open store {}: another process owns it", options.folder.string());
  }
  AGENT_TRY(const auto segments, list_segments(options.folder));
  std::set<std::uint64_t> numbers;
  std::ranges::transform(segments, std::inserter(numbers, numbers.end()),
                         [](const auto& s) { return s.first; });
  AGENT_TRY(auto dead, DeadLog::open(options.folder, numbers));
  auto state = std::make_shared<StoreState>(options, std::move(*lock), std::move(dead), registry);
  AGENT_CHECK(recover(*state, segments, options.segment_bytes));
  return std::unique_ptr<Store>(new Store(std::move(state)));
}

Store::Store(std::shared_ptr<StoreState> state)
    : state_(std::move(state)), sealer_([shared = state_](const std::stop_token& stop) {
        while (const auto segment = shared->space.wait_closed(stop)) {
          seal_closed(*shared, segment);
        }
      }) {}

// Everything is sealed, so that the next opening reads footers only.
Store::~Store() {
  sealer_.request_stop();
  sealer_.join();
  state_->space.close_open();
  while (const auto segment = state_->space.take_closed()) {
    seal_closed(*state_, segment);
  }
}

Result<Incoming> Store::reserve(std::uint64_t size_bytes, std::size_t key_bytes) {
  if (size_bytes > k_max_object_bytes || !valid_key_size(key_bytes)) {
    return fail(Errc::invalid, "reserve {} bytes for an object with a key of {}: at most {} and {}",
                size_bytes, key_bytes, k_max_object_bytes, k_max_key_bytes);
  }
  const RecordHeader header{.payload_size = size_bytes, .key_room = static_cast<std::uint16_t>(key_bytes)};
  while (true) {
    AGENT_TRY(auto placed, state_->space.reserve(record_extent(header), k_entry_fixed_bytes + key_bytes));
    if (placed.extent) {
      return Incoming(std::make_unique<Incoming::State>(state_, std::move(*placed.extent), header));
    }
    if (state_->evict(placed.missing_bytes) == 0) {
      return fail(Errc::full, "reserve {} bytes: the store is full of objects in use", size_bytes);
    }
  }
}

Result<std::optional<Stored>> Store::find(std::string_view key) {
  const auto found = state_->index.find(key);
  if (!found) {
    return std::optional<Stored>{};
  }
  auto stored = state_->stored(found->node, found->object);
  if (found->trust == Trust::unchecked) {
    if (!checksum_holds(stored)) {
      state_->quarantine(found->node, found->object);
      return std::optional<Stored>{};
    }
    state_->index.mark_checked(found->node);
  }
  return std::optional(std::move(stored));
}

bool Store::contains(std::string_view key) const {
  return state_->index.contains(key);
}

void Store::remove(std::string_view key) {
  if (auto gone = state_->index.erase(key)) {
    state_->bury(std::move(*gone));
    state_->count_objects();
  }
}

void Store::each_key(std::string_view prefix, const std::function<void(std::string_view key)>& visit) const {
  state_->index.each_key(prefix, visit);
}

Result<void> Store::seal() {
  state_->space.close_open();
  while (const auto segment = state_->space.take_closed()) {
    AGENT_CHECK(seal_segment(*state_, segment));
  }
  state_->space.wait_finished();
  return state_->space.sync_unsealed();
}

Result<std::uint64_t> Store::scrub_some(std::uint64_t budget_bytes) {
  auto cursor = state_->scrub_cursor.with([](const std::uint64_t& at) { return at; });
  std::uint64_t corrupt = 0;
  std::uint64_t checked_bytes = 0;
  while (checked_bytes < budget_bytes) {
    const auto some = state_->index.pin_some(cursor);
    if (some.empty()) {
      break;
    }
    for (const auto& found : some) {
      const auto object = state_->stored(found.node, found.object);
      checked_bytes += object.slice.size;
      if (digest_holds(object)) {
        state_->index.mark_checked(found.node);
      } else {
        state_->quarantine(found.node, found.object);
        ++corrupt;
      }
    }
  }
  state_->scrub_cursor.with([&](std::uint64_t& at) { at = cursor; });
  return corrupt;
}

StoreFigures Store::figures() const {
  return {.objects = state_->index.objects(),
          .bytes = state_->index.bytes(),
          .reserved_bytes = state_->space.used_bytes(),
          .evicted = state_->evicted.load(std::memory_order_relaxed),
          .quarantined = state_->quarantined.load(std::memory_order_relaxed)};
}

}  // namespace agent::store
