#include "agent/publish/live_objects.hpp"

#include <algorithm>

#include "agent/core/log.hpp"

namespace agent::publish {

namespace {

constexpr std::uint64_t k_piece_bytes = std::uint64_t{8} << 20U;
constexpr std::uint64_t k_gap_bytes = std::uint64_t{64} * 1024;  // cheaper to read than to ask again

// From the first entry on, those that are read together.
std::size_t run_length(std::span<const store::PackEntry> entries) {
  const auto begin = entries.front().offset;
  auto end = begin + entries.front().size;
  std::size_t count = 1;
  while (count < entries.size()) {
    const auto& next = entries[count];
    if (next.offset - std::min(next.offset, end) > k_gap_bytes ||
        next.offset + next.size - begin > k_piece_bytes) {
      break;
    }
    end = std::max(end, next.offset + next.size);
    ++count;
  }
  return count;
}

}  // namespace

Result<void> LiveObjects::take(const LoadedPack& pack, std::vector<store::PackEntry> entries,
                               const std::function<bool()>& go_on) {
  std::ranges::sort(entries, {}, &store::PackEntry::offset);
  for (auto left = std::span<const store::PackEntry>(entries); !left.empty();) {
    if (!go_on()) {
      return fail(Errc::cancelled, "read pack {}: put off", pack.name);
    }
    const auto run = left.first(run_length(left));
    const auto& last = run.back();
    const auto begin = run.front().offset;
    AGENT_TRY(const auto bytes,
              bring(pack, {.offset = begin, .size = last.offset + last.size - begin}, go_on));
    for (const auto& entry : run) {
      auto slice = bytes;
      slice.offset += entry.offset - begin;
      slice.size = entry.size;
      add(pack, entry, std::move(slice));
    }
    left = left.subspan(run.size());
  }
  return {};
}

void LiveObjects::add(const LoadedPack& pack, const store::PackEntry& entry, io::FileSlice slice) {
  if (packs_.distrusted(pack.record.digest, entry.key) || !io::matches_digest(slice, entry.digest)) {
    log::warn("publish: an object's bytes are wrong pack={} key={}", pack.name, entry.key);
    packs_.distrust(pack.record.digest, entry.key);
    return;
  }
  items_.push_back({.key = std::string(entry.key),
                    .object = {.slice = std::move(slice), .digest = entry.digest, .crc32c = entry.crc32c}});
}

Result<io::FileSlice> LiveObjects::bring(const LoadedPack& pack, backends::Range range,
                                         const std::function<bool()>& go_on) {
  if (pack.file) {
    return io::FileSlice{.fd = pack.file->fd,
                         .offset = pack.file->offset + range.offset,
                         .size = range.size,
                         .pin = pack.file->pin};
  }
  if (pack.copy) {
    if (auto slice = pack.copy->slice(range)) {
      return *std::move(slice);
    }
  }
  AGENT_CHECK(open_spool());
  io::FileSlice spooled{.fd = spool_->get(), .offset = spooled_, .size = range.size, .pin = spool_};
  for (std::uint64_t done = 0; done < range.size;) {
    if (!go_on()) {
      return fail(Errc::cancelled, "read pack {}: put off", pack.name);
    }
    const backends::Range piece{.offset = range.offset + done,
                                .size = std::min(range.size - done, k_piece_bytes)};
    AGENT_TRY(const auto bytes, storage_.get(pack.name, piece));
    if (!bytes) {
      packs_.forget(pack.record.digest);
      return fail(Errc::not_found, "pack {} is gone", pack.name);
    }
    if (bytes->size() != piece.size) {
      return fail(Errc::corrupt, "pack {}: {} bytes instead of {}", pack.name, bytes->size(), piece.size);
    }
    AGENT_CHECK(
        io::write_all_at(spool_->get(), io::bytes_of(*bytes), spooled_ + done, "objects to be merged"));
    done += piece.size;
  }
  spooled_ += range.size;
  return spooled;
}

Result<void> LiveObjects::open_spool() {
  if (spool_ == nullptr) {
    AGENT_TRY(auto file, io::unnamed_file(folder_));
    spool_ = std::make_shared<io::Fd>(std::move(file));
  }
  return {};
}

}  // namespace agent::publish
