// The one rule for names in an object storage, the same on every backend, so that a name that works on one
// works on all. Pure functions; safe from any thread.
#pragma once

#include <string_view>

#include "agent/core/result.hpp"

namespace agent::backends {

// [A-Za-z0-9._-] segments of at most 255 bytes joined by '/', 400 bytes in all, no "." or "..".
// Errors: invalid, quoting the name and saying what is wrong with it.
Result<void> check_object_name(std::string_view name);

// The same for the prefix of a listing: empty, or the beginning of a name.
Result<void> check_object_prefix(std::string_view prefix);

}  // namespace agent::backends
