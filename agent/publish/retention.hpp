// What may go from a storage, and its going: packs and manifests that no tag of any scope has referred to for
// a day by the storage's clock, and what a tag holds beyond its budget.
//
// Nothing in a storage says since when an object is not referred to. So a first run marks it
// (docs/formats.md, "Garbage mark"), and a run a day later removes what is still unreferenced. Where anything
// cannot be read that might refer to something, or the storage cannot list, nothing is removed.
//
// Safe beside agents that read, publish and compact, and beside another run of itself. Blocks on the storage.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "agent/backends/object_storage.hpp"
#include "agent/core/clock.hpp"
#include "agent/core/result.hpp"

namespace agent::publish {

struct RetentionOptions {
  std::uint64_t tag_bytes = 0;  // what one tag of one scope may hold; 0: as much as it likes
  // Tags that nobody has published to for so long are emptied, by the storage's clock; 0: none. Their
  // pointers stay, because only a swap sees that somebody publishes at that moment; in a storage with areas
  // they are removed. A tag whose jobs only read it looks idle.
  std::chrono::hours idle{0};
  bool dry_run = false;                               // nothing is written or removed
  std::function<bool()> go_on = [] { return true; };  // false ends the run with `cancelled`
};

struct RetentionFigures {
  std::uint64_t tags = 0;
  std::uint64_t packs = 0;          // in the storage
  std::uint64_t manifests = 0;      // likewise
  std::uint64_t bytes = 0;          // of both
  std::uint64_t removed_tags = 0;   // for being idle: emptied or removed
  std::uint64_t trimmed_packs = 0;  // taken out of tags beyond their budget
  std::uint64_t removed_objects = 0;
  std::uint64_t removed_bytes = 0;
  std::uint64_t waiting_objects = 0;  // unreferenced, but not for long enough
  std::uint64_t waiting_bytes = 0;
  std::uint64_t removed_generations = 0;  // earlier ones of tags, where the storage keeps them
  std::uint64_t unreadable_tags = 0;      // in areas of others, where nothing was touched
  std::optional<Wall> next;               // when the first of these may go, by the storage's clock
};

// Errors: unsupported (the storage cannot list), corrupt or not_found (a tag that cannot be read, by name),
// conflict (a tag kept changing), those of the storage. What was removed by then stays removed.
Result<RetentionFigures> collect_garbage(backends::ObjectStorage& storage, const Clock& clock,
                                         const RetentionOptions& options);

}  // namespace agent::publish
