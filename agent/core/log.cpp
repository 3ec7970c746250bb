#include "agent/core/log.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "agent/core/text.hpp"

namespace agent::log {

namespace {

std::atomic<Level>& threshold() {
  static std::atomic<Level> value{Level::warn};
  return value;
}

std::string_view name_of(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warn:
      return "warn";
    case Level::error:
      return "error";
    case Level::off:
      break;
  }
  return "off";
}

}  // namespace

void set_level(Level level) {
  threshold().store(level, std::memory_order_relaxed);
}

Level level() {
  return threshold().load(std::memory_order_relaxed);
}

void write(Level line_level, std::string_view text) {
  if (line_level < level()) {
    return;
  }
  auto line = fmt::format("{} {} {}", utc_text(std::chrono::system_clock::now()), name_of(line_level), text);
  // Text from outside must not start a line of its own: runners take "::" there for a command.
  std::ranges::replace_if(line, [](unsigned char c) { return c < ' ' || c == 0x7F; }, ' ');
  line += '\n';
  // A log that cannot be written has nowhere to say so.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace agent::log
