// Writing one object: header, payload and trailer into a reserved extent. Small objects are one system call.
#include <algorithm>
#include <string>
#include <utility>

#include "agent/io/checksum.hpp"
#include "agent/store/incoming_state.hpp"

namespace agent::store {

namespace {

constexpr std::size_t k_buffer_bytes = std::size_t{64} << 10U;

}  // namespace

Incoming::State::State(std::shared_ptr<StoreState> its_store, Extent its_extent, RecordHeader its_header)
    : store(std::move(its_store)), extent(std::move(its_extent)), header(its_header), at(extent.offset) {
  const auto bytes = encode_record_header(header);
  buffer.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(extent.size, k_buffer_bytes)));
  buffer.append(io::text_of(bytes));
}

Incoming::State::~State() {
  if (!extent.segment || (at == extent.offset && store->space.give_back(extent))) {
    return;
  }
  // Its header may go with its page before its last bytes do, and a scan must not look for records in those.
  store->dead.append({.segment = extent.segment->number, .offset = extent.offset + k_record_header_bytes},
                     extent.offset + extent.size);
  store->space.abandon(extent);
}

// The header is first in the buffer, so nothing is ever written to an extent before it.
Result<void> Incoming::State::flush() {
  const auto offset = at;
  at += buffer.size();
  AGENT_CHECK(io::write_all_at(extent.segment->file.get(), io::bytes_of(buffer), offset,
                               extent.segment->path.string()));
  buffer.clear();
  return {};
}

Result<void> Incoming::State::append(std::span<const std::byte> bytes) {
  if (buffer.size() + bytes.size() > k_buffer_bytes) {
    AGENT_CHECK(flush());
  }
  if (bytes.size() < k_buffer_bytes) {
    buffer.append(io::text_of(bytes));
    return {};
  }
  const auto offset = at;
  at += bytes.size();
  return io::write_all_at(extent.segment->file.get(), bytes, offset, extent.segment->path.string());
}

Incoming::Incoming(std::unique_ptr<State> state) : state_(std::move(state)) {}
Incoming::Incoming(Incoming&&) noexcept = default;
Incoming& Incoming::operator=(Incoming&&) noexcept = default;
Incoming::~Incoming() = default;

Result<void> Incoming::write(std::span<const std::byte> bytes) {
  auto& state = *state_;
  if (bytes.size() > state.header.payload_size - state.received) {
    return fail(Errc::invalid, "write object: more than the {} bytes that were reserved",
                state.header.payload_size);
  }
  if (state.failed) {
    return fail(Errc::io, "write object: an earlier write of it failed");
  }
  state.sha256.update(bytes);
  state.crc32c = io::crc32c(bytes, state.crc32c);
  state.received += bytes.size();
  auto written = state.append(bytes);
  state.failed = !written;
  return written;
}

Result<Stored> Incoming::commit(std::string_view key, Present present) && {
  const auto state = std::move(state_);
  if (!valid_key_size(key.size()) || key.size() > state->header.key_room) {
    return fail(Errc::invalid, "store object: a key of {} bytes where 1 to {} were reserved", key.size(),
                state->header.key_room);
  }
  if (state->received != state->header.payload_size || state->failed) {
    return fail(Errc::invalid, "store {}: {} of {} bytes were written", key, state->received,
                state->header.payload_size);
  }
  const auto& extent = state->extent;
  const Located object{.segment = extent.segment.get(),
                       .offset = extent.offset + k_record_header_bytes,
                       .size = state->received,
                       .digest = state->sha256.finish(),
                       .crc32c = state->crc32c};
  const PackEntry entry{.key = key, .size = object.size, .digest = object.digest, .crc32c = object.crc32c};
  state->buffer.append(encode_record_trailer(state->header, entry));
  AGENT_CHECK(state->flush());

  auto& store = *state->store;
  auto inserted = store.index.insert(key, object, Trust::checked, Index::Pinned::yes, present);
  auto stored = store.stored(inserted.node, located(*inserted.node));
  const RecordHeader used{.payload_size = object.size, .key_room = static_cast<std::uint16_t>(key.size())};
  // Only now may the segment be sealed: its footer lists what the index holds.
  store.space.commit(std::exchange(state->extent, {}), record_extent(used), k_entry_fixed_bytes + key.size());
  if (inserted.replaced) {
    store.bury(std::move(*inserted.replaced));
  }
  store.count_objects();
  return stored;
}

}  // namespace agent::store
