// Which tag a job reads and writes. Value types.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/digest.hpp"
#include "agent/core/result.hpp"

namespace agent::publish {

// The identity of one pointer. Two of them never share entries unless one is in the other's read chain.
struct TagId {
  std::string repository;  // "owner/name"; "local" on a laptop
  std::string scope;       // "refs/heads/main", "refs/pull/7/merge"; "local" on a laptop
  std::string tag;         // [A-Za-z0-9._-]{1,200}
  bool operator==(const TagId&) const = default;
};

// Reads look in `own`, then in `also` in order (base, default branch); writes go to `own` only.
struct TagChain {
  TagId own;
  std::vector<TagId> also;
};

enum class Mode : std::uint8_t {
  read_write,
  read_only,   // lookups; stores are kept for this job and counted as refused: "read-only"
  write_only,  // GitHub's ACTIONS_CACHE_MODE=write-only: stores but no lookups
  off,
};

bool reads(Mode mode);
bool publishes(Mode mode);

// "read-write", "read-only", "write-only", "off": as in configuration, status and summary.
std::string_view name_of(Mode mode);

// The inverse. Errors: invalid, quoting the text and listing what is allowed.
Result<Mode> parse_mode(std::string_view text);

// Where things stand in an object storage (docs/formats.md, "Names in a storage").
// Errors of pointer_name: invalid (a tag beyond [A-Za-z0-9._-]{1,200}; an empty or over-long repository or
// scope).
Result<std::string> pointer_name(const TagId& id);
std::string manifest_name(const Digest& digest);
std::string pack_name(const Digest& footer_digest);

}  // namespace agent::publish
