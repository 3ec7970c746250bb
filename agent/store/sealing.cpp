// Sealing: a closed segment gets its footer and becomes a pack like any other.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "agent/core/log.hpp"
#include "agent/io/checksum.hpp"
#include "agent/store/pack_writer.hpp"
#include "agent/store/store_state.hpp"

namespace agent::store {

namespace {

// An entry with its key's place in one common string: a segment may hold tens of thousands.
struct Listed {
  PackEntry entry;
  std::size_t key_offset = 0;
  std::size_t key_size = 0;
};

struct LiveRecords {
  std::vector<Listed> records;
  std::string keys;

  std::string_view key(const Listed& record) const {
    return std::string_view(keys).substr(record.key_offset, record.key_size);
  }
};

// The records of the segment that are the index's objects right now. Not read back from the file: a record
// that dies leaves a hole there, behind which nothing tells its last bytes from a record.
LiveRecords live_records(const StoreState& state, const Segment& segment) {
  LiveRecords live;
  state.index.each_in(segment, [&](std::string_view key, const Located& object) {
    live.records.push_back({.entry = {.key = {},
                                      .offset = object.offset,
                                      .size = object.size,
                                      .digest = object.digest,
                                      .crc32c = object.crc32c},
                            .key_offset = live.keys.size(),
                            .key_size = key.size()});
    live.keys += key;
  });
  std::ranges::sort(live.records, {}, [&](const Listed& record) { return live.key(record); });
  return live;
}

// Returns where the segment ends.
Result<std::uint64_t> write_footer(const Segment& segment, const LiveRecords& live) {
  FooterBuilder builder;
  for (const auto& record : live.records) {
    auto entry = record.entry;
    entry.key = live.key(record);
    AGENT_CHECK(builder.add(entry));
  }
  AGENT_TRY(const auto nonce, random_nonce());
  AGENT_TRY(auto bytes, std::move(builder).finish(segment.tail, nonce));
  const Tail tail{.footer_offset = segment.tail,
                  .footer_size = bytes.size(),
                  .footer_digest = io::sha256(io::bytes_of(bytes))};
  bytes.append(io::text_of(encode_tail(tail)));
  AGENT_CHECK(io::write_all_at(segment.file.get(), io::bytes_of(bytes), segment.tail, segment.path.string()));
  return segment.tail + bytes.size();
}

}  // namespace

Result<void> seal_segment(StoreState& state, const std::shared_ptr<Segment>& segment) {
  // The tail of a segment without writers no longer moves. The file is cut there, or grows to it where the
  // end of the last extent was never written.
  const auto sealed = [&]() -> Result<std::uint64_t> {
    if (::ftruncate(segment->file.get(), static_cast<off_t>(segment->tail)) != 0) {
      return fail_errno("seal", segment->path.string(), errno);
    }
    const auto live = live_records(state, *segment);
    if (live.records.empty()) {
      return segment->tail;
    }
    AGENT_TRY(const auto end, write_footer(*segment, live));
    return end;
  }();
  // Without a footer the segment stays readable, and is scanned when the store is opened again.
  if (!sealed && ::ftruncate(segment->file.get(), static_cast<off_t>(segment->tail)) != 0) {
    log::warn("store: half a footer stays in {}", segment->path.string());
  }
  const auto end = sealed.value_or(segment->tail);
  const bool synced = state.durability == io::Durability::cached || ::fdatasync(segment->file.get()) == 0;
  const int error = errno;
  state.space.finish(segment, end);
  if (!sealed) {
    return std::unexpected(sealed.error());
  }
  if (!synced) {
    return fail_errno("sync", segment->path.string(), error);
  }
  return {};
}

}  // namespace agent::store
