// A note in a storage: these objects were referred to by nothing when it was written. Value type with its
// JSON form (docs/formats.md, "Garbage mark").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"

namespace agent::publish {

constexpr std::size_t k_most_marked = 100'000;

struct GarbageMark {
  std::uint64_t written_ms = 0;    // since 1970, by the writer's clock: only makes the mark's name its own
  std::vector<std::string> names;  // ascending
  bool operator==(const GarbageMark&) const = default;
};

std::string encode(const GarbageMark& mark);

// Errors: corrupt, unsupported (a newer format).
Result<GarbageMark> parse_garbage_mark(std::string_view text);

// Where a mark of these bytes stands.
std::string garbage_mark_name(std::string_view text);

}  // namespace agent::publish
