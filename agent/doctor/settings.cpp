#include "agent/doctor/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <ranges>

#include "agent/core/text.hpp"
#include "agent/sccache/build_variables.hpp"

namespace agent::doctor {

namespace {

constexpr std::size_t k_value_limit = 2000;

// Everything of `text` up to a comment sign outside of quotes.
std::string_view without_comment(std::string_view text, bool needs_blank) {
  char quote = '\0';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char letter = text[i];
    if (quote != '\0') {
      quote = letter == quote ? '\0' : quote;
    } else if (letter == '"' || letter == '\'') {
      quote = letter;
    } else if (letter == '#' && (!needs_blank || i == 0 || text[i - 1] == ' ' || text[i - 1] == '\t')) {
      return text.substr(0, i);
    }
  }
  return text;
}

std::string unquoted(std::string_view text) {
  text = trimmed(text);
  const bool quoted =
      text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front();
  return std::string(quoted ? text.substr(1, text.size() - 2) : text).substr(0, k_value_limit);
}

// `a . "b"` as `a.b`; empty where it is no key.
std::string key_of(std::string_view text) {
  std::string key;
  for (const auto part : split(text, '.')) {
    const auto name = unquoted(part);
    if (name.empty() || name.find_first_of(" \t[]{},") != std::string::npos) {
      return {};
    }
    key += key.empty() ? name : "." + name;
  }
  return key;
}

// Calls `take(line, number)` for at most k_max_settings lines.
template <typename Take>
void each_line(std::string_view text, Take take) {
  text = text.substr(0, k_max_settings_bytes);
  std::size_t number = 0;
  while (!text.empty() && number < 4 * k_max_settings) {
    const auto end = std::min(text.find('\n'), text.size());
    take(text.substr(0, end), ++number);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void add(Settings& settings, std::string name, std::string value, std::string where) {
  if (settings.size() < k_max_settings) {
    settings.push_back({.name = std::move(name), .value = std::move(value), .where = std::move(where)});
  }
}

std::string place(std::string_view path, std::size_t line) {
  return fmt::format("{}:{}", path, line);
}

}  // namespace

std::string Setting::shown() const {
  return fmt::format("{}: {} = {}", where, name, sccache::shown_value(name, value));
}

const Setting* find(const Settings& settings, std::string_view name) {
  const auto backwards = std::views::reverse(settings);
  const auto found = std::ranges::find(backwards, name, &Setting::name);
  return found == backwards.end() ? nullptr : &*found;
}

Settings parse_toml(std::string_view text, std::string_view path) {
  Settings settings;
  std::string table;
  each_line(text, [&](std::string_view raw, std::size_t number) {
    const auto line = trimmed(without_comment(raw, false));
    if (line.starts_with('[')) {
      const bool list = line.starts_with("[[");
      const auto inner = line.substr(list ? 2 : 1);
      table = key_of(inner.substr(0, inner.find(']')));
      return;
    }
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) {
      return;
    }
    const auto key = key_of(line.substr(0, equals));
    if (!key.empty()) {
      add(settings, table.empty() ? key : table + "." + key, unquoted(line.substr(equals + 1)),
          place(path, number));
    }
  });
  return settings;
}

Settings parse_cmake_cache(std::string_view text, std::string_view path) {
  Settings settings;
  each_line(text, [&](std::string_view line, std::size_t number) {
    if (line.starts_with('#') || line.starts_with("//")) {
      return;
    }
    const auto equals = line.find('=');
    const auto colon = line.substr(0, equals).rfind(':');
    if (equals == std::string_view::npos || colon == std::string_view::npos || colon == 0) {
      return;
    }
    add(settings, unquoted(line.substr(0, colon)),
        std::string(trimmed(line.substr(equals + 1))).substr(0, k_value_limit), place(path, number));
  });
  return settings;
}

Settings parse_yaml_lines(std::string_view text, std::string_view path) {
  Settings settings;
  each_line(text, [&](std::string_view raw, std::size_t number) {
    auto line = trimmed(without_comment(raw, true));
    while (line.starts_with("- ")) {
      line = trimmed(line.substr(2));
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0 ||
        (colon + 1 < line.size() && line[colon + 1] != ' ')) {
      return;
    }
    const auto key = unquoted(line.substr(0, colon));
    if (!key.contains(' ')) {
      add(settings, key, unquoted(line.substr(colon + 1)), place(path, number));
    }
  });
  return settings;
}

}  // namespace agent::doctor
