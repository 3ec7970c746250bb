// Settings of the project's own files, as far as the rules ask: cargo's TOML, CMakeCache.txt, workflow files.
// Each is read as lines, not as a grammar: a name, a value and where it stands, which is what evidence needs.
// What is no such line is passed over. Pure; bounded; safe from any thread.
// Sources: TOML 1.0 (keys, tables, strings); CMake 3.25 cmCacheManager (NAME:TYPE=VALUE); read 2026-11.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace agent::doctor {

inline constexpr std::size_t k_max_settings_bytes = std::size_t{1} << 20U;
inline constexpr std::size_t k_max_settings = 20'000;

struct Setting {
  std::string name;   // dotted, tables in front: "build.rustc-wrapper"; CMake's without the type
  std::string value;  // without quotes
  std::string where;  // "path:line"

  // For evidence: `path:line: name = value`, without secrets.
  std::string shown() const;
};

using Settings = std::vector<Setting>;

// The last of that name counts; null where there is none.
const Setting* find(const Settings& settings, std::string_view name);

Settings parse_toml(std::string_view text, std::string_view path);
Settings parse_cmake_cache(std::string_view text, std::string_view path);

// `key: value` lines of YAML at any depth, by their last key; comments are left out.
Settings parse_yaml_lines(std::string_view text, std::string_view path);

}  // namespace agent::doctor
