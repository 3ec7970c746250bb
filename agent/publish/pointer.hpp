// The mutable end of a tag: which manifest is its newest generation. Value type with its JSON form
// (docs/formats.md, "Pointer").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/core/digest.hpp"
#include "agent/core/result.hpp"
#include "agent/publish/tag.hpp"

namespace agent::publish {

constexpr std::size_t k_max_pointer_bytes = std::size_t{64} * 1024;

struct Pointer {
  TagId id;
  std::uint64_t generation = 0;           // from 1
  Digest manifest;                        // of the manifest's bytes
  std::optional<std::string> embedded{};  // these bytes, unverified; empty: they are an object of their own
  bool operator==(const Pointer&) const = default;
};

// The pointer to a manifest of these bytes, which are embedded where the whole stays small enough.
Pointer pointer_to(TagId id, std::uint64_t generation, std::string manifest_bytes);

std::string encode(const Pointer& pointer);

// Errors: corrupt (does not parse), unsupported (a newer format).
Result<Pointer> parse_pointer(std::string_view text);

}  // namespace agent::publish
