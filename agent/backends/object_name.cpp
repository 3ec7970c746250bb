#include "agent/backends/object_name.hpp"

#include <algorithm>

#include "agent/core/text.hpp"

namespace agent::backends {

namespace {

constexpr std::size_t k_name_bytes = 400;
constexpr std::size_t k_segment_bytes = 255;  // NAME_MAX

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-';
}

// Outside bytes in an error: short, and nothing a terminal would act on.
std::string quoted(std::string_view name) {
  constexpr std::size_t k_shown = 80;
  std::string shown(name.substr(0, k_shown));
  std::ranges::replace_if(shown, [](char c) { return c < ' ' || c > '~'; }, '?');
  return shown + (name.size() > k_shown ? "..." : "");
}

}  // namespace

Result<void> check_object_name(std::string_view name) {
  if (name.empty() || name.size() > k_name_bytes) {
    return fail(Errc::invalid, "object name '{}': {} bytes, 1 to {} are allowed", quoted(name), name.size(),
                k_name_bytes);
  }
  for (const auto segment : split(name, '/')) {
    if (segment.empty() || segment == "." || segment == ".." || segment.size() > k_segment_bytes ||
        !std::ranges::all_of(segment, is_plain)) {
      return fail(Errc::invalid,
                  "object name '{}': segment '{}' is not 1 to {} of [A-Za-z0-9._-], or is '.' or '..'",
                  quoted(name), quoted(segment), k_segment_bytes);
    }
  }
  return {};
}

Result<void> check_swap(std::string_view name, std::string_view content) {
  AGENT_CHECK(check_object_name(name));
  if (content.size() > k_small_object_bytes) {
    return fail(Errc::invalid, "swap {}: {} bytes; at most {} can be", name, content.size(),
                k_small_object_bytes);
  }
  return {};
}

Result<void> check_object_prefix(std::string_view prefix) {
  if (prefix.empty()) {
    return {};
  }
  // "a/" and "a/." begin names such as "a/x" and "a/.x", so the last segment is judged with one more letter.
  if (prefix.size() >= k_name_bytes) {
    return check_object_name(prefix);
  }
  return check_object_name(std::string(prefix) + "x");
}

}  // namespace agent::backends
