// Reading the newest generation of a tag from a storage. Free functions; safe from any thread; they block on
// the storage. Errors: those of the storage; corrupt (a pointer or manifest that does not parse, has another
// digest, or belongs to another tag), unsupported (a newer format).
#pragma once

#include <optional>
#include <string>

#include "agent/backends/object_storage.hpp"
#include "agent/publish/manifest.hpp"
#include "agent/publish/pointer.hpp"

namespace agent::publish {

struct PointerAt {
  Pointer pointer;
  std::string version;  // what compare_and_swap expects
};

// Empty where the tag does not exist in this scope.
Result<std::optional<PointerAt>> read_pointer(backends::ObjectStorage& storage, const TagId& id);

// Empty where the manifest is gone.
Result<std::optional<Manifest>> read_manifest(backends::ObjectStorage& storage, const Pointer& pointer);

// Both, for a writer. A manifest that is gone counts as one without packs: what it named cannot be found any
// more, and the tag should live on.
struct Head {
  std::optional<std::string> version;  // empty: no pointer yet
  std::optional<Digest> digest;        // of the manifest the pointer names
  std::uint64_t generation = 0;
  Manifest manifest;
};
Result<Head> read_head(backends::ObjectStorage& storage, const TagId& id);

}  // namespace agent::publish
