// Opening a store: the footers of sealed segments fill the index; unsealed segments are scanned.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "agent/core/log.hpp"
#include "agent/store/pack_reader.hpp"
#include "agent/store/record_scanner.hpp"
#include "agent/store/store_state.hpp"

namespace agent::store {

namespace {

struct FileSize {
  std::uint64_t bytes = 0;
  std::uint64_t on_disk_bytes = 0;
};

Result<FileSize> size_of(const Segment& segment) {
  constexpr std::uint64_t k_block_bytes = 512;  // stat(2): the unit of st_blocks, whatever the file system's
  struct stat status{};
  if (::fstat(segment.file.get(), &status) != 0) {
    return fail_errno("stat", segment.path.string(), errno);
  }
  return FileSize{.bytes = static_cast<std::uint64_t>(status.st_size),
                  .on_disk_bytes = static_cast<std::uint64_t>(status.st_blocks) * k_block_bytes};
}

// Puts a record into the index unless it is known to be dead. Returns how many bytes it takes.
std::uint64_t take_in(StoreState& state, Segment& segment, const PackEntry& entry) {
  if (state.dead.was_dead({.segment = segment.number, .offset = entry.offset})) {
    return 0;
  }
  const RecordHeader used{.payload_size = entry.size,
                          .key_room = static_cast<std::uint16_t>(entry.key.size())};
  const auto begin = entry.offset - k_record_header_bytes;
  state.space.adopt_record(segment, begin, begin + record_extent(used));
  const Located object{.segment = &segment,
                       .offset = entry.offset,
                       .size = entry.size,
                       .digest = entry.digest,
                       .crc32c = entry.crc32c};
  auto inserted = state.index.insert(entry.key, object, Trust::unchecked, Index::Pinned::no);
  if (inserted.replaced) {
    state.bury(std::move(*inserted.replaced));
  }
  return record_extent(used);
}

struct TakenIn {
  Space::Adopted adopted;
  std::uint64_t known_bytes = 0;  // objects with their records, and dead records whose ends are known

  void take(StoreState& state, Segment& segment, const PackEntry& entry) {
    ++adopted.entries;
    adopted.footer_room += k_entry_fixed_bytes + entry.key.size();
    known_bytes += take_in(state, segment, entry);
  }
};

TakenIn take_in_sealed(StoreState& state, Segment& segment, const PackIndex& index) {
  TakenIn taken{.adopted = {.as = Space::Adopted::As::sealed,
                            .tail = index.footer_offset(),
                            .end = index.footer_offset() + index.footer_size() + k_tail_bytes}};
  index.each([&](const PackEntry& entry) { taken.take(state, segment, entry); });
  return taken;
}

Result<TakenIn> take_in_unsealed(StoreState& state, Segment& segment, std::uint64_t size) {
  TakenIn taken{.adopted = {.as = Space::Adopted::As::unsealed}};
  RecordScanner scanner(segment.file.get(), size, state.dead.extents(segment.number));
  while (true) {
    AGENT_TRY(const auto entry, scanner.next());
    if (!entry) {
      break;
    }
    taken.take(state, segment, *entry);
  }
  if (const auto at = scanner.lost_at()) {
    log::warn("store: objects behind a dead record left out, its end is not known path={} offset={}",
              segment.path.string(), *at);
  }
  auto& adopted = taken.adopted;
  adopted.tail = scanner.tail();
  adopted.end = adopted.tail;
  // What lies behind was allocated ahead or belongs to a footer that was never completed.
  if (size > adopted.tail && ::ftruncate(segment.file.get(), static_cast<off_t>(adopted.tail)) != 0) {
    return fail_errno("truncate", segment.path.string(), errno);
  }
  return taken;
}

Result<TakenIn> take_in_records(StoreState& state, Segment& segment) {
  AGENT_TRY(const auto size, size_of(segment));
  const auto index =
      PackIndex::of_file({.fd = segment.file.get(), .offset = 0, .size = size.bytes, .pin = nullptr});
  if (index) {
    return take_in_sealed(state, segment, *index);
  }
  if (index.error().code != Errc::corrupt) {
    return std::unexpected(index.error());
  }
  return take_in_unsealed(state, segment, size.bytes);
}

// May more be appended to it? Not where a part of it is of unknown content, such as what is left of dead
// records that an earlier version did not mark as a whole: once the footer is cut off, a scan has to find its
// way. Nor where a mark lies behind its tail and would kill what came there.
bool fits_more(const TakenIn& taken, std::uint64_t segment_bytes) {
  return taken.known_bytes == taken.adopted.tail && taken.adopted.tail <= segment_bytes / 2 &&
         taken.adopted.entries <= k_max_segment_entries / 2;
}

}  // namespace

Result<std::map<std::uint64_t, io::fs::path>> list_segments(const io::fs::path& folder) {
  std::map<std::uint64_t, io::fs::path> segments;
  std::error_code error;
  for (io::fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (const auto number = segment_number(entry->path().filename().string())) {
      segments.emplace(*number, entry->path());
    }
  }
  if (error) {
    return fail_errno("list", folder.string(), error.value());
  }
  return segments;
}

Result<void> recover(StoreState& state, const std::map<std::uint64_t, io::fs::path>& segments,
                     std::uint64_t segment_bytes) {
  for (const auto& [number, path] : segments) {
    AGENT_TRY(auto file, io::open_file(path, O_RDWR));
    const auto segment = std::make_shared<Segment>(number, path, std::move(file));
    state.space.adopt(segment);
    auto taken = take_in_records(state, *segment);
    if (!taken) {
      // Another version's, or the disk fails: a store without these objects is worth more than none.
      log::warn("store: segment left out path={} error={}", path.string(), taken.error().message);
      continue;
    }
    for (const auto& dead : state.dead.extents(number)) {
      taken->known_bytes += dead.end > dead.begin ? dead.end - dead.begin : 0;
    }
    if (number == segments.rbegin()->first && fits_more(*taken, segment_bytes)) {
      taken->adopted.as = Space::Adopted::As::continued;
    }
    AGENT_TRY(const auto size, size_of(*segment));
    taken->adopted.on_disk_bytes = size.on_disk_bytes;
    state.space.settle(segment, taken->adopted);
  }
  state.dead.forget_old();
  state.count_objects();
  return {};
}

}  // namespace agent::store
