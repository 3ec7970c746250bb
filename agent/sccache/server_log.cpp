#include "agent/sccache/server_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <set>

#include "agent/core/text.hpp"
#include "agent/sccache/redaction.hpp"

namespace agent::sccache {

namespace {

constexpr std::size_t k_most_lines = 50;
constexpr std::size_t k_line_limit = 400;

struct Pattern {
  std::string_view text;
  LogTopic topic;
};

// The first that a line holds decides. OpenDAL's own lines come last: sccache's say more, where there are
// any.
constexpr std::array<Pattern, 12> k_patterns = {{
    {"storage write check failed", LogTopic::write_check},
    {"Cannot write to read-only storage", LogTopic::write_check},
    {"cache storage failed to read", LogTopic::start_failed},
    {"Server startup failed", LogTopic::start_failed},
    {"ConfigInvalid", LogTopic::config},
    {"ACTIONS_RUNTIME_TOKEN", LogTopic::config},
    {"Error executing cache write", LogTopic::write_failed},
    {"Got unexpected error", LogTopic::read_failed},
    {"CannotCache(", LogTopic::not_cached},
    {"Cache lookup timed out", LogTopic::timeout},
    {"write close failed", LogTopic::write_failed},
    {": write failed", LogTopic::write_failed},
}};

std::optional<LogTopic> topic_of(std::string_view line) {
  const auto* const found =
      std::ranges::find_if(k_patterns, [&](const Pattern& pattern) { return line.contains(pattern.text); });
  // What OpenDAL says of the probe sccache says again, as what it means.
  const bool probe = line.contains("opendal::") && line.contains("path=.sccache_check");
  return found == k_patterns.end() || probe ? std::nullopt : std::optional(found->topic);
}

bool is_digit(char letter) {
  return std::isdigit(static_cast<unsigned char>(letter)) != 0;
}

// Lines that differ in a number or a key only are one.
std::string shape_of(std::string_view line) {
  std::string shape;
  for (const char letter : line) {
    if (!is_digit(letter) && shape.size() < 160) {
      shape += letter;
    }
  }
  return shape;
}

}  // namespace

int status_in(std::string_view line) {
  for (const std::string_view before :
       {"status: ", "status code: ", "status=", "StatusCode(", "HTTP ", "code: "}) {
    const auto at = line.find(before);
    const auto number =
        at == std::string_view::npos ? std::string_view{} : line.substr(at + before.size(), 3);
    if (number.size() == 3 && std::ranges::all_of(number, is_digit) && number[0] >= '1' && number[0] <= '5') {
      return ((number[0] - '0') * 100) + ((number[1] - '0') * 10) + (number[2] - '0');
    }
  }
  return 0;
}

namespace {

// The status that an error's own lines name: "Context:", "uri: …", "response: Parts { status: 405, …".
int status_below(const std::vector<std::string_view>& lines, std::size_t at) {
  constexpr std::size_t k_context_lines = 6;
  const auto end = std::min(lines.size(), at + 1 + k_context_lines);
  for (auto i = at + 1; i < end; ++i) {
    const auto line = trimmed(lines[i]);
    if (line.starts_with('[') || line.starts_with("Backtrace")) {
      return 0;
    }
    if (line.starts_with("response:")) {
      return status_in(line);
    }
  }
  return 0;
}

}  // namespace

std::vector<LogLine> parse_server_log(std::string_view text) {
  if (text.size() > k_most_log_bytes) {
    text.remove_prefix(text.size() - k_most_log_bytes);
  }
  const auto lines = split(text, '\n');
  std::vector<LogLine> told;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < lines.size() && told.size() < k_most_lines; ++i) {
    const auto topic = topic_of(lines[i]);
    if (!topic) {
      continue;
    }
    const auto own = status_in(lines[i]);
    const auto status = own != 0 ? own : status_below(lines, i);
    if (!seen.insert(fmt::format("{} {}", shape_of(lines[i]), status)).second) {
      continue;
    }
    auto shown = without_secrets(trimmed(lines[i].substr(0, k_line_limit)));
    if (status != own) {
      shown += fmt::format(", status: {}", status);
    }
    told.push_back({.topic = *topic, .status = status, .text = std::move(shown)});
  }
  return told;
}

}  // namespace agent::sccache
