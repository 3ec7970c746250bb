// Which packs of a tag are worth bringing together, and the manifest that results. Pure functions over
// values. docs/formats.md, "Compaction", has the rules of what a manifest may say.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "agent/core/digest.hpp"
#include "agent/publish/manifest.hpp"
#include "agent/publish/touch_set.hpp"

namespace agent::publish {

// A pack of the tag and what of it still counts.
struct PackShare {
  PackRecord record;
  std::uint64_t live_objects = 0;  // that no other pack has replaced
  std::uint64_t live_bytes = 0;
  bool gone = false;  // not in the storage any more
  Day last_used = 0;  // the latest of what counts in it
};

// Everything in the packs counts; when they were used is what the manifest says.
std::vector<PackShare> shares_of(const Manifest& manifest);

struct CompactionLimits {
  std::size_t packs = 0;  // how many a tag should have (backends::Pace); 0: any number
  std::uint64_t tiny_bytes = std::uint64_t{4} << 20U;
  std::uint64_t pack_bytes = std::uint64_t{1} << 30U;  // the largest pack that is made
  std::uint64_t tag_bytes = 0;                         // what a tag may hold; 0: as much as it likes
};

struct CompactionPlan {
  std::vector<Digest> merge;       // become one pack
  std::vector<Digest> drop;        // leave the tag: nothing in them counts, or they are beyond its budget
  std::uint64_t upload_bytes = 0;  // about the size of the pack to be made
  bool empty() const { return merge.empty() && drop.empty(); }
};

// Packs below tiny_bytes are brought together once there are eight, or as many as make a pack as large as the
// next one; packs of which over 40 % are dead are rewritten; and where a tag has as many packs as it should,
// the smallest are merged whatever their size, so that the next one fits. In a tag beyond its budget packs of
// which over 10 % are dead are rewritten, and what is still too much is dropped. At most `allowance` is
// uploaded. A tag with twice as many packs as it should have may upload up to 256 MiB all the same: every
// reader pays for each pack.
CompactionPlan plan_compaction(std::vector<PackShare> packs, const CompactionLimits& limits,
                               std::uint64_t allowance);

// The packs least recently used, of equal ones the oldest, that are too much for the budget (0: nothing is);
// never the last one. What does not count in a pack is not counted.
std::vector<Digest> beyond_budget(std::vector<PackShare> packs, std::uint64_t budget_bytes);

// Whether the number and size of packs alone can be a reason to compact. Cheap.
bool may_be_worth_compacting(const Manifest& manifest, const CompactionLimits& limits);

// The next generation after a compaction: `made` instead of `replaced`, of which all leave a tombstone.
// `made` has the generation of the manifest that was planned on, so that whatever came later goes before it.
Manifest compacted(const Manifest& theirs, const std::optional<PackRecord>& made,
                   const std::vector<Digest>& replaced, const Step& step);

// Whether `now` holds every pack that `planned` held: only then may what was planned on one be done to the
// other.
bool only_added_to(const Manifest& planned, const Manifest& now);

}  // namespace agent::publish
