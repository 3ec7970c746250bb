#include "agent/cli/days.hpp"

#include "agent/core/text.hpp"

namespace agent::cli {

Result<std::chrono::days> parse_days(std::string_view text, std::string_view what) {
  const bool is_days = text.ends_with('d');
  if (is_days) {
    AGENT_TRY(const auto number, parse_number(text.substr(0, text.size() - 1), what));
    return std::chrono::days(number);
  }
  AGENT_TRY(const auto duration, parse_duration(text, what));
  return std::chrono::ceil<std::chrono::days>(duration);
}

}  // namespace agent::cli
