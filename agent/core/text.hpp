// Text of people and of environment variables: trimming, splitting, numbers with units.
// Pure functions; safe from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"

namespace agent {

std::string_view trimmed(std::string_view text);
std::string lowered(std::string_view text);
std::vector<std::string_view> split(std::string_view text, char separator);
bool equals_ignoring_case(std::string_view a, std::string_view b);

// "true", "yes", "on", "1" and their opposites, in any case. Errors: invalid, quoting `what`.
Result<bool> parse_bool(std::string_view text, std::string_view what);

Result<std::uint64_t> parse_number(std::string_view text, std::string_view what);

// "10GiB", "500 MB", "64K", "1073741824". K, M, G, T alone are binary. Errors: invalid, quoting `what`.
Result<std::uint64_t> parse_size(std::string_view text, std::string_view what);

// "250ms", "90s", "5m", "2h"; a bare number is seconds. Errors: invalid, quoting `what`.
Result<std::chrono::milliseconds> parse_duration(std::string_view text, std::string_view what);

// "12.3 MiB", "980 B"
std::string human_size(std::uint64_t bytes);

// "420 ms", "3.2 s", "2 min 5 s"
std::string human_duration(std::chrono::nanoseconds duration);

// "1,234,567"
std::string human_count(std::uint64_t count);

// RFC 3339, UTC, whole seconds: "2026-11-21T14:52:27Z".
std::string utc_text(std::chrono::system_clock::time_point time);

}  // namespace agent
