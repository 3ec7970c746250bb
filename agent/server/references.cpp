#include "agent/server/references.hpp"

#include <algorithm>

#include "agent/backends/boringcache_names.hpp"
#include "agent/server/rows.hpp"
#include "agent/server/tags.hpp"

namespace agent::server {

namespace {

std::string_view last_part(std::string_view name) {
  return name.substr(name.rfind('/') + 1);
}

constexpr std::uint64_t k_largest_manifest = std::uint64_t{32} << 20U;

}  // namespace

std::vector<Digest> digests_in(std::string_view text) {
  constexpr std::string_view k_begin = "sha256:";
  constexpr std::size_t k_digits = 64;
  std::vector<Digest> digests;
  for (auto at = text.find(k_begin); at != std::string_view::npos; at = text.find(k_begin, at + 1)) {
    if (const auto digest = parse_digest(text.substr(at, k_begin.size() + k_digits))) {
      digests.push_back(*digest);
    }
  }
  return digests;
}

Result<References> References::read(const Stores& stores, const Workspace& workspace, Wall young) {
  References references;
  AGENT_CHECK(references.read_tags(stores, workspace));
  AGENT_CHECK(references.read_entries(stores, workspace, young));
  AGENT_CHECK(references.read_notes(stores, workspace, young));
  AGENT_CHECK(references.read_rows(stores, workspace, young));
  std::ranges::sort(references.digests_);
  const auto repeated = std::ranges::unique(references.digests_);
  references.digests_.erase(repeated.begin(), repeated.end());
  return references;
}

bool References::contains(const Digest& digest) const {
  return std::ranges::binary_search(digests_, digest);
}

Result<void> References::read_tags(const Stores& stores, const Workspace& workspace) {
  AGENT_TRY(auto records, stores.tags.list(workspace, {}));
  AGENT_TRY(const auto roots, stores.tags.list_roots(workspace));
  records.insert(records.end(), roots.begin(), roots.end());
  for (const auto& record : records) {
    entries_.insert(record.entry);
    if (!record.manifest) {
      continue;
    }
    digests_.push_back(record.manifest->digest);
    // Hearth's own entries note every blob; other clients stage only what the server did not have.
    const bool is_hearths = backends::object_of_tag(record.tag).has_value();
    if (!is_hearths && record.description.text("storage_mode") == "cas") {
      AGENT_CHECK(read_manifest(stores, workspace, *record.manifest));
    }
  }
  return {};
}

Result<void> References::read_manifest(const Stores& stores, const Workspace& workspace,
                                       const Blob& manifest) {
  if (manifest.size_bytes > k_largest_manifest) {
    return fail(Errc::unsupported, "manifest {} is too large to be looked into",
                digest_text(manifest.digest));
  }
  AGENT_TRY(const auto text, stores.storage.get(blob_object(workspace, manifest.digest),
                                                {.offset = 0, .size = manifest.size_bytes}));
  const auto named = digests_in(text.value_or(std::string()));
  digests_.insert(digests_.end(), named.begin(), named.end());
  return {};
}

// A young one may still be published; it says itself which manifest it will have.
Result<void> References::read_entries(const Stores& stores, const Workspace& workspace, Wall young) {
  AGENT_TRY(const auto objects, stores.storage.list(entries_prefix(workspace)));
  for (const auto& object : objects) {
    const auto id = last_part(object.name);
    const bool is_young = object.modified > young;
    if (entries_.contains(id)) {
      continue;
    }
    if (!is_young) {
      left_over_.push_back(object.name);
      continue;
    }
    entries_.emplace(id);
    AGENT_TRY(const auto entry, stores.tags.find_entry(workspace, id));
    const auto manifest =
        entry ? parse_digest(entry->description.text("expected_manifest_digest")) : std::nullopt;
    if (manifest) {
      digests_.push_back(*manifest);
    }
  }
  return {};
}

Result<void> References::read_notes(const Stores& stores, const Workspace& workspace, Wall young) {
  const auto prefix = notes_prefix(workspace);
  AGENT_TRY(const auto objects, stores.storage.list(prefix));
  for (const auto& object : objects) {
    const auto rest = std::string_view(object.name).substr(prefix.size());
    if (!entries_.contains(rest.substr(0, rest.find('/'))) && object.modified <= young) {
      left_over_.push_back(object.name);
      continue;
    }
    AGENT_TRY(const auto blobs, stores.tags.blobs_of_note(object.name));
    for (const auto& blob : blobs) {
      digests_.push_back(blob.digest);
    }
  }
  return {};
}

Result<void> References::read_rows(const Stores& stores, const Workspace& workspace, Wall young) {
  AGENT_TRY(const auto objects, stores.storage.list(row_segments_prefix(workspace)));
  std::set<std::string, std::less<>> listed;
  AGENT_TRY(const auto tags, stores.rows.list(workspace));
  for (const auto& tag : tags) {
    AGENT_TRY(const auto view, stores.rows.view(workspace, tag.tag));
    for (const auto& segment : view.segments) {
      for (std::size_t i = 0; i < segment->size(); ++i) {
        digests_.push_back(segment->row(i).blob.digest);
      }
    }
    listed.insert(view.ids.begin(), view.ids.end());
  }
  for (const auto& object : objects) {
    if (listed.contains(last_part(object.name))) {
      continue;
    }
    if (object.modified <= young) {
      left_over_.push_back(object.name);
      continue;
    }
    AGENT_TRY(auto text, stores.storage.get(object.name, {.offset = 0, .size = object.size}));
    if (!text) {
      continue;  // merged meanwhile, into what the tag has by now
    }
    AGENT_TRY(const auto segment, RowSegment::parse(*std::move(text)));
    for (std::size_t i = 0; i < segment->size(); ++i) {
      digests_.push_back(segment->row(i).blob.digest);
    }
  }
  return {};
}

}  // namespace agent::server
