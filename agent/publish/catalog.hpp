// What a storage holds, for people: its tags, what is in one, whether every byte of it is right. Free
// functions; safe from any thread; they block on the storage. Errors: those of the storage; unsupported where
// it cannot list; those of agent/publish/tag_head.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/backends/object_storage.hpp"
#include "agent/core/clock.hpp"
#include "agent/publish/manifest.hpp"
#include "agent/publish/tag.hpp"

namespace agent::publish {

struct TagInfo {
  TagId id;
  Manifest manifest;
  std::uint64_t objects = 0;  // summed over the packs: a key in two packs counts twice
  std::uint64_t bytes = 0;    // of the packs
};

// What is kept: the empty ones match everything.
struct TagFilter {
  std::string repository;
  std::string scope;
  std::string tag_prefix;
};

struct TagListing {
  std::vector<TagInfo> tags;            // by repository, scope and tag
  std::vector<std::string> unreadable;  // pointers or manifests that could not be read, and why
};

Result<TagListing> list_tags(backends::ObjectStorage& storage, const TagFilter& filter);

// Empty where the tag does not exist in this scope.
Result<std::optional<TagInfo>> inspect_tag(backends::ObjectStorage& storage, const TagId& id);

// Removes the pointer; its packs go when nothing has referenced them for a day (`hearth gc`). False where
// there was none.
Result<bool> remove_tag(backends::ObjectStorage& storage, const TagId& id);

struct RemovedObjects {
  std::vector<std::string> removed;
  std::vector<std::string> absent;  // the tag has no such object
};

// Takes objects out of a tag: from the next refresh on nobody finds them there, and compaction leaves them
// out. Bytes stay in their packs until then. Errors: not_found (no such tag), full (k_most_removed_keys),
// conflict (others were faster over and over).
Result<RemovedObjects> remove_objects(backends::ObjectStorage& storage, const Clock& clock, const TagId& id,
                                      const std::vector<std::string>& keys);

struct TagCheck {
  std::uint64_t packs = 0;
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;  // read and compared
  std::uint64_t missing_packs = 0;
  std::uint64_t corrupt_packs = 0;  // a footer that is not the one of the manifest
  std::uint64_t corrupt_objects = 0;
  std::vector<std::string> problems;  // the first hundred, in words
  bool sound() const { return missing_packs + corrupt_packs + corrupt_objects == 0; }
};

// Reads every byte of every pack and compares each object with its SHA-256. `progress` hears after each pack.
Result<TagCheck> check_tag(backends::ObjectStorage& storage, const Manifest& manifest,
                           const std::function<void(const TagCheck& so_far)>& progress);

}  // namespace agent::publish
