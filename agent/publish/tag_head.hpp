// Reading the newest generation of a tag from a storage, and replacing it. Free functions; safe from any
// thread; they block on the storage. Errors of reading: those of the storage; corrupt (a pointer or manifest
// that does not parse, has another digest, or belongs to another tag), unsupported (a newer format).
#pragma once

#include <optional>
#include <string>

#include "agent/backends/object_storage.hpp"
#include "agent/core/clock.hpp"
#include "agent/publish/manifest.hpp"
#include "agent/publish/pointer.hpp"

namespace agent::publish {

struct PointerAt {
  Pointer pointer;
  std::string version;                 // what compare_and_swap expects
  std::vector<std::string> also = {};  // as backends::Versioned has it
};

// Empty where the tag does not exist in this scope.
Result<std::optional<PointerAt>> read_pointer(backends::ObjectStorage& storage, const TagId& id);

// From within the pointer or from its own object; verified either way. Empty where that object is gone.
Result<std::optional<Manifest>> read_manifest(backends::ObjectStorage& storage, const Pointer& pointer);

// Both, for a writer. A manifest that is gone counts as one without packs: what it named cannot be found any
// more, and the tag should live on.
struct Head {
  std::optional<std::string> version;  // empty: no pointer yet
  std::optional<Digest> digest;        // of the manifest the pointer names
  std::uint64_t generation = 0;
  Manifest manifest;

  // Packs of generations that the storage passed over while their writers were slow, and that are in no
  // other: replace_head adds them, and a writer calls it even if he has nothing else to add.
  std::vector<PackRecord> passed_over;
};
// The next generation after this one, made now.
Step step_after(const Head& head, const Clock& clock);

Result<Head> read_head(backends::ObjectStorage& storage, const TagId& id);

// Makes `next` the tag's newest generation if `expected` still is: one swap, and an object more where the
// manifest is too large for the pointer.
// Errors: those of the storage, conflict among them; full (a manifest beyond its limit).
Result<void> replace_head(backends::ObjectStorage& storage, const TagId& id, const Head& expected,
                          const Manifest& next);

// The answer may have been lost after the storage did what it was asked: read again to know.
bool is_ambiguous(Errc code);

}  // namespace agent::publish
