// Settings that have no effect, whatever advice says, and two caches of one thing.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "agent/core/text.hpp"
#include "agent/doctor/rule.hpp"

namespace agent::doctor {

namespace {

// A setting and where it was found; empty where it is nowhere.
std::optional<std::string> said(const Chart& chart, std::string_view name) {
  for (const auto* environment : {&chart.surroundings.environment, &chart.surroundings.removed}) {
    if (const auto value = io::variable_in(*environment, name); !value.empty()) {
      return fmt::format("{}={}", name, value);
    }
  }
  for (const auto* settings : {&chart.project.workflows, &chart.project.cargo_config}) {
    for (const auto& set : *settings) {
      if (set.name == name || set.name.ends_with(fmt::format(".{}", name))) {
        return set.shown();
      }
    }
  }
  return std::nullopt;
}

std::string value_of(const Chart& chart, std::string_view name) {
  if (auto value = chart.variable(name); !value.empty()) {
    return value;
  }
  const auto* set = find(chart.project.workflows, name);
  return set == nullptr ? std::string() : set->value;
}

// sccache's documentation still lists them; its code lost them with 0.4.0 (commit 066addee, 2023-01-08).
Finding dead_github_settings(const Chart& chart) {
  std::vector<std::string> evidence;
  for (const std::string_view name : {"SCCACHE_GHA_CACHE_TO", "SCCACHE_GHA_CACHE_FROM"}) {
    if (auto line = said(chart, name)) {
      evidence.push_back(*std::move(line));
    }
  }
  if (evidence.empty()) {
    return std::nullopt;
  }
  return found(
      Certainty::certain, 0.01,
      {.title = "SCCACHE_GHA_CACHE_TO and SCCACHE_GHA_CACHE_FROM do nothing since sccache 0.4.0",
       .evidence = std::move(evidence),
       .fix = "# Remove both. What separates caches is SCCACHE_GHA_VERSION; a change of it is a cold start"});
}

// moon warns of a word that it does not know, and then reads and writes. Source: moonrepo/moon,
// crates/cache, cache_mode.rs; read 2026-11.
Finding unknown_moon_mode(const Chart& chart) {
  constexpr std::array<std::string_view, 4> k_known = {"off", "read", "read-write", "write"};
  const auto value = value_of(chart, "MOON_CACHE");
  const bool computed = value.contains("${{");  // by the workflow: what it comes to is not known here
  if (value.empty() || computed || std::ranges::find(k_known, value) != k_known.end()) {
    return std::nullopt;
  }
  return found(Certainty::certain, 0.02,
               {.title = fmt::format("MOON_CACHE={} is no mode that moon knows: it reads and writes", value),
                .evidence = {said(chart, "MOON_CACHE").value_or("MOON_CACHE=" + value)},
                .fix = "MOON_CACHE: read"});
}

// A restored target folder leaves sccache nothing to do, and both pay for the same outputs.
Finding double_caching(const Chart& chart) {
  const auto& steps = chart.project.workflows;
  const Setting* rust_cache = nullptr;
  const Setting* ours = nullptr;
  for (const auto& set : steps) {
    if (set.name != "uses") {
      continue;
    }
    if (lowered(set.value).contains("swatinem/rust-cache")) {
      rust_cache = &set;
    } else if (set.value.contains("sccache-action") || set.value.contains("/hearth@")) {
      ours = &set;
    }
  }
  const auto* targets = find(steps, "cache-targets");
  const bool spares = targets != nullptr && targets->value == "false";
  if (rust_cache == nullptr || ours == nullptr || spares) {
    return std::nullopt;
  }
  return found(
      Certainty::certain, 0.05,
      {.title = "rust-cache keeps the target folder that sccache caches too",
       .evidence = {rust_cache->shown(), ours->shown()},
       .fix = "- uses: Swatinem/rust-cache@v2\n  with:\n    cache-targets: false   # registry only"});
}

// It chooses between several -arch flags of one call, and nothing else.
Finding multiarch_without_arch(const Chart& chart) {
  const auto line = said(chart, "SCCACHE_CACHE_MULTIARCH");
  if (!line || chart.reasons().contains("multiple different -arch, and SCCACHE_CACHE_MULTIARCH not set")) {
    return std::nullopt;
  }
  const bool arch = std::ranges::any_of(
      std::array<std::string_view, 3>{"CFLAGS", "CXXFLAGS", "CMAKE_OSX_ARCHITECTURES"},
      [&](std::string_view name) {
        return chart.variable(name).contains("arch") || find(chart.project.cmake_cache, name) != nullptr;
      });
  if (arch) {
    return std::nullopt;
  }
  return found(
      Certainty::likely, 0.01,
      {.title = "SCCACHE_CACHE_MULTIARCH is for calls with several -arch flags only; here it does nothing",
       .evidence = {*line},
       .fix = "# Remove it. Caches of machines are apart already: the compiler is part of every key"});
}

constexpr std::array<Rule, 4> k_rules = {{{"dead-github-settings", dead_github_settings},
                                          {"unknown-moon-mode", unknown_moon_mode},
                                          {"double-caching", double_caching},
                                          {"multiarch-without-arch", multiarch_without_arch}}};

}  // namespace

std::span<const Rule> setting_rules() {
  return k_rules;
}

}  // namespace agent::doctor
