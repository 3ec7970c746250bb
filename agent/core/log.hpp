// One log line per event, `key=value`, on stderr: "2026-11-21T14:52:27Z warn publish: conflict generation=7".
// Thread-safe: a line is one write. Secrets cannot be formatted (agent/core/secret.hpp).
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string_view>
#include <utility>

namespace agent::log {

enum class Level : std::uint8_t { debug, info, warn, error, off };

// Lines below this level are dropped. Set once at start-up; the default is warn.
void set_level(Level level);
Level level();

void write(Level level, std::string_view text);

template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  if (level() <= Level::debug) {
    write(Level::debug, fmt::format(format, std::forward<Args>(args)...));
  }
}

template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  if (level() <= Level::info) {
    write(Level::info, fmt::format(format, std::forward<Args>(args)...));
  }
}

template <typename... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::warn, fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace agent::log
