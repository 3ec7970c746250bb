// The rules for names in an object storage and for what may be swapped, the same on every backend, so that
// what works on one works on all. Pure functions; safe from any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/core/result.hpp"

namespace agent::backends {

// [A-Za-z0-9._-] segments of at most 255 bytes joined by '/', 400 bytes in all, no "." or "..".
// Errors: invalid, quoting the name and saying what is wrong with it.
Result<void> check_object_name(std::string_view name);

// What read() gives and compare_and_swap() takes has no more bytes.
constexpr std::uint64_t k_small_object_bytes = std::uint64_t{16} << 20U;

// For compare_and_swap. Errors: as check_object_name; invalid for content that is too large.
Result<void> check_swap(std::string_view name, std::string_view content);

// The same for the prefix of a listing: empty, or the beginning of a name.
Result<void> check_object_prefix(std::string_view prefix);

}  // namespace agent::backends
