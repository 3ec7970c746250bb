// One generation of a tag: a set of packs, and what was taken out of it. Value type with its binary form
// (docs/formats.md, "Manifest"). A manifest is named by the SHA-256 of its bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/clock.hpp"
#include "agent/core/digest.hpp"
#include "agent/core/result.hpp"

namespace agent::publish {

constexpr std::size_t k_max_manifest_bytes = std::size_t{16} << 20U;

struct PackRecord {
  Digest digest;  // of the footer: the pack's name
  std::uint64_t size_bytes = 0;
  std::uint64_t footer_offset = 0;
  std::uint64_t footer_size = 0;
  std::uint64_t live_bytes = 0;
  std::uint64_t generation = 0;  // that added it; after a compaction, its place in reading order
  std::uint64_t created_ms = 0;  // since 1970, by the writer's clock
  std::uint32_t objects = 0;
  std::string producer;
  bool operator==(const PackRecord&) const = default;
};

// A pack that was taken out; it must not come back by a merge.
struct Tombstone {
  Digest pack;
  std::uint64_t removed_ms = 0;
  bool operator==(const Tombstone&) const = default;
};

// An object that somebody took out of the tag: packs of generations up to this one do not have it any more.
struct RemovedKey {
  std::string key;
  std::uint64_t generation = 0;
  std::uint64_t removed_ms = 0;
  bool operator==(const RemovedKey&) const = default;
};
using RemovedKeys = std::vector<RemovedKey>;  // ascending by key

constexpr std::size_t k_most_removed_keys = 10'000;
// Nobody publishes a pack later than half a day after building it, so what says that something is gone has
// done its work long before, even where clocks differ by days.
constexpr std::uint64_t k_tombstone_life_ms = std::uint64_t{7} * 24 * 60 * 60 * 1000;

bool hides(const RemovedKeys& removed, std::string_view key, std::uint64_t generation);

// A section this program does not know and may carry over unchanged.
struct ForeignSection {
  std::uint16_t type = 0;
  std::string payload;
  bool operator==(const ForeignSection&) const = default;
};

struct Manifest {
  std::uint64_t generation = 0;  // 0: no manifest yet, an empty tag
  std::optional<Digest> previous;
  std::uint64_t created_ms = 0;
  std::vector<PackRecord> packs;      // ascending by digest
  std::vector<Tombstone> tombstones;  // ascending by pack
  RemovedKeys removed;
  std::vector<ForeignSection> foreign;  // ascending by type
  bool operator==(const Manifest&) const = default;

  const PackRecord* find(const Digest& pack) const;
  bool buried(const Digest& pack) const;
};

// Canonical: equal manifests give equal bytes. Errors: full (more than k_max_manifest_bytes).
Result<std::string> encode(const Manifest& manifest);

// Errors: corrupt (does not parse), unsupported (a newer version, or a section that must be understood).
Result<Manifest> parse_manifest(std::span<const std::byte> bytes);

// The next generation: theirs and mine, which get its number. Packs that are in already or were taken out
// are not added. Tombstones older than a week by `now_ms` are left out.
struct Step {
  std::optional<Digest> previous;  // digest of theirs
  std::uint64_t generation = 1;
  std::uint64_t now_ms = 0;
};
Manifest merged(const Manifest& theirs, const std::vector<PackRecord>& mine, const Step& step);

}  // namespace agent::publish
