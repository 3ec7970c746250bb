// Times that are told in days. Pure; safe from any thread.
#pragma once

#include <chrono>
#include <string_view>

#include "agent/core/result.hpp"

namespace agent::cli {

// "30d", or what parse_duration() takes, rounded up to days. Errors: invalid, naming `what`.
Result<std::chrono::days> parse_days(std::string_view text, std::string_view what);

}  // namespace agent::cli
