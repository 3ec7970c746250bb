// The query of a request target, and the one byte range that a request may ask for. Pure functions; safe from
// any thread. RFC 3986 section 3.4, RFC 9110 section 14.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/backends/object_storage.hpp"

namespace agent::server {

// The value of `name` in "a=1&b=2", as sent; empty where it is missing.
std::string_view query_value(std::string_view query, std::string_view name);

bool has_query(std::string_view query, std::string_view name);

// The same percent-decoded, '+' as a blank; empty where it is missing or no valid encoding.
std::string query_text(std::string_view query, std::string_view name);

// What a Range header asks of `size` bytes. Headers that are no single range of bytes are ignored, as the RFC
// allows: all of it then.
struct AskedRange {
  enum class Kind : std::uint8_t { all, part, unsatisfiable } kind = Kind::all;
  backends::Range range;  // of all of it, or of the part
};
AskedRange range_of(std::string_view header, std::uint64_t size);

}  // namespace agent::server
