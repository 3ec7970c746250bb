#include "agent/publish/catalog.hpp"

#include <algorithm>
#include <utility>

#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "agent/publish/pack_cache.hpp"
#include "agent/publish/tag_head.hpp"

namespace agent::publish {

namespace {

constexpr std::uint64_t k_read_bytes = std::uint64_t{8} << 20U;
constexpr std::size_t k_most_problems = 100;

bool matches(const TagFilter& filter, const TagId& id) {
  return (filter.repository.empty() || filter.repository == id.repository) &&
         (filter.scope.empty() || filter.scope == id.scope) && id.tag.starts_with(filter.tag_prefix);
}

TagInfo info_of(TagId id, Manifest manifest) {
  TagInfo info{.id = std::move(id), .manifest = std::move(manifest), .objects = 0, .bytes = 0};
  for (const auto& pack : info.manifest.packs) {
    info.objects += pack.objects;
    info.bytes += pack.size_bytes;
  }
  return info;
}

void report(TagCheck& check, std::uint64_t& counter, std::string problem) {
  ++counter;
  if (check.problems.size() < k_most_problems) {
    check.problems.push_back(std::move(problem));
  }
}

// An object too large to be read at once.
Result<bool> large_object_is_right(backends::ObjectStorage& storage, const std::string& name,
                                   const store::PackEntry& entry) {
  io::Sha256 hash;
  for (std::uint64_t done = 0; done < entry.size;) {
    const auto size = std::min(k_read_bytes, entry.size - done);
    AGENT_TRY(const auto bytes, storage.get(name, {.offset = entry.offset + done, .size = size}));
    if (!bytes) {
      return false;
    }
    hash.update(io::bytes_of(*bytes));
    done += size;
  }
  return hash.finish() == entry.digest;
}

// Objects that lie close together, read at once.
Result<void> check_run(backends::ObjectStorage& storage, const std::string& name,
                       std::span<const store::PackEntry> run, TagCheck& check) {
  const auto begin = run.front().offset;
  const auto end = run.back().offset + run.back().size;
  const bool large = end - begin > k_read_bytes;
  std::optional<std::string> bytes;
  if (!large) {
    AGENT_TRY(bytes, storage.get(name, {.offset = begin, .size = end - begin}));
  }
  for (const auto& entry : run) {
    bool right = false;
    if (large) {
      AGENT_TRY(right, large_object_is_right(storage, name, entry));
    } else if (bytes) {
      const auto object = std::string_view(*bytes).substr(entry.offset - begin, entry.size);
      right = io::sha256(io::bytes_of(object)) == entry.digest;
    }
    ++check.objects;
    check.bytes += entry.size;
    if (!right) {
      report(check, check.corrupt_objects, fmt::format("object {} of {} has wrong bytes", entry.key, name));
    }
  }
  return {};
}

Result<void> check_objects(backends::ObjectStorage& storage, const LoadedPack& pack, TagCheck& check) {
  std::vector<store::PackEntry> entries;
  entries.reserve(pack.index.entries());
  pack.index.each([&](const store::PackEntry& entry) { entries.push_back(entry); });
  std::ranges::sort(entries, {}, &store::PackEntry::offset);
  for (std::size_t first = 0; first < entries.size();) {
    auto last = first + 1;
    while (last < entries.size() &&
           entries[last].offset + entries[last].size - entries[first].offset <= k_read_bytes) {
      ++last;
    }
    AGENT_CHECK(check_run(storage, pack.name, std::span(entries).subspan(first, last - first), check));
    first = last;
  }
  return {};
}

}  // namespace

Result<std::optional<TagInfo>> inspect_tag(backends::ObjectStorage& storage, const TagId& id) {
  AGENT_TRY(auto head, read_head(storage, id));
  if (!head.version) {
    return std::optional<TagInfo>{};
  }
  return std::optional(info_of(id, std::move(head.manifest)));
}

Result<TagListing> list_tags(backends::ObjectStorage& storage, const TagFilter& filter) {
  AGENT_TRY(const auto objects, storage.list("tags/"));
  TagListing listing;
  for (const auto& object : objects) {
    const auto content = storage.read(object.name);
    if (!content) {
      return std::unexpected(content.error());
    }
    if (!*content) {
      continue;  // removed since it was listed
    }
    auto pointer = parse_pointer((*content)->content);
    if (!pointer) {
      listing.unreadable.push_back(fmt::format("{}: {}", object.name, pointer.error().message));
      continue;
    }
    if (!matches(filter, pointer->id)) {
      continue;
    }
    auto manifest = read_manifest(storage, *pointer);
    if (!manifest || !*manifest) {
      listing.unreadable.push_back(
          fmt::format("{}: {}", object.name, manifest ? "its manifest is gone" : manifest.error().message));
      continue;
    }
    listing.tags.push_back(info_of(std::move(pointer->id), **std::move(manifest)));
  }
  std::ranges::sort(listing.tags, [](const TagInfo& a, const TagInfo& b) {
    return std::tie(a.id.repository, a.id.scope, a.id.tag) < std::tie(b.id.repository, b.id.scope, b.id.tag);
  });
  return listing;
}

Result<bool> remove_tag(backends::ObjectStorage& storage, const TagId& id) {
  AGENT_TRY(const auto name, pointer_name(id));
  AGENT_TRY(const auto there, storage.read(name));
  if (!there) {
    return false;
  }
  AGENT_CHECK(storage.remove(name));
  return true;
}

Result<TagCheck> check_tag(backends::ObjectStorage& storage, const Manifest& manifest,
                           const std::function<void(const TagCheck& so_far)>& progress) {
  TagCheck check;
  PackCache packs;
  for (const auto& record : manifest.packs) {
    const auto pack = packs.load(storage, record);
    if (pack) {
      AGENT_CHECK(check_objects(storage, **pack, check));
    } else if (pack.error().code == Errc::not_found) {
      report(check, check.missing_packs,
             fmt::format("pack {} with {} objects is gone", record.digest.hex(), record.objects));
    } else if (pack.error().code == Errc::corrupt || pack.error().code == Errc::unsupported) {
      report(check, check.corrupt_packs, pack.error().message);
    } else {
      return std::unexpected(pack.error());
    }
    ++check.packs;
    progress(check);
  }
  return check;
}

}  // namespace agent::publish
