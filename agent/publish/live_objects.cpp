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
    AGENT_TRY(const auto taken, take_run(pack, left.first(run_length(left)), go_on));
    left = left.subspan(taken);
  }
  return {};
}

// How many of them were dealt with: fewer where the local copy turned out to be wrong. That one answers
// nothing more, so the rest comes from the storage.
Result<std::size_t> LiveObjects::take_run(const LoadedPack& pack, std::span<const store::PackEntry> run,
                                          const std::function<bool()>& go_on) {
  const auto begin = run.front().offset;
  const backends::Range range{.offset = begin, .size = run.back().offset + run.back().size - begin};
  auto copied = pack.file || !pack.copy ? std::nullopt : pack.copy->slice(range);
  const bool from_copy = copied.has_value();
  AGENT_TRY(const auto bytes, from_copy ? *std::move(copied) : bring(pack, range, go_on));
  for (std::size_t i = 0; i < run.size(); ++i) {
    const auto& entry = run[i];
    auto slice = bytes;
    slice.offset += entry.offset - begin;
    slice.size = entry.size;
    if (!io::matches_digest(slice, entry.digest)) {
      if (from_copy) {
        pack.copy->spoil();
        return i;
      }
      // It may have been spoilt on its way or here, and what is left out is gone for everybody.
      io::Sha256 hash;
      AGENT_TRY(slice, fetch(pack, {.offset = entry.offset, .size = entry.size}, go_on, &hash));
      if (hash.finish() != entry.digest) {
        log::warn("publish: an object's bytes are wrong pack={} key={}", pack.name, entry.key);
        packs_.distrust(pack.record.digest, entry.key);
        continue;
      }
    }
    items_.push_back({.key = std::string(entry.key),
                      .object = {.slice = std::move(slice), .digest = entry.digest, .crc32c = entry.crc32c}});
  }
  return run.size();
}

Result<io::FileSlice> LiveObjects::bring(const LoadedPack& pack, backends::Range range,
                                         const std::function<bool()>& go_on) {
  if (pack.file) {
    return io::FileSlice{.fd = pack.file->fd,
                         .offset = pack.file->offset + range.offset,
                         .size = range.size,
                         .pin = pack.file->pin};
  }
  return fetch(pack, range, go_on);
}

Result<io::FileSlice> LiveObjects::fetch(const LoadedPack& pack, backends::Range range,
                                         const std::function<bool()>& go_on, io::Sha256* hash) {
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
    if (hash != nullptr) {
      hash->update(io::bytes_of(*bytes));
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
