// The mutable end of a tag: which manifest is its newest generation. Value type with its JSON form
// (docs/formats.md, "Pointer").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/core/digest.hpp"
#include "agent/core/result.hpp"
#include "agent/publish/tag.hpp"

namespace agent::publish {

struct Pointer {
  TagId id;
  std::uint64_t generation = 0;  // from 1
  Digest manifest;
  bool operator==(const Pointer&) const = default;
};

std::string encode(const Pointer& pointer);

// Errors: corrupt (does not parse), unsupported (a newer format).
Result<Pointer> parse_pointer(std::string_view text);

}  // namespace agent::publish
