// sccache was not asked: no wrapper, another wrapper, nothing left to compile.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "agent/doctor/rule.hpp"
#include "agent/report/amounts.hpp"

namespace agent::doctor {

namespace {

constexpr std::array<std::string_view, 2> k_cmake_launchers = {"CMAKE_C_COMPILER_LAUNCHER",
                                                               "CMAKE_CXX_COMPILER_LAUNCHER"};

bool is_sccache(std::string_view value) {
  return value.contains("sccache");
}

// Nothing reached sccache, as far as is known.
bool not_asked(const Chart& chart) {
  return chart.requests_seen() == 0 && report::total_of(chart.figures.fallbacks) == 0;
}

// What cargo would start in front of rustc, and where that is said.
struct Wrapper {
  std::string value;
  std::string said;
};

std::optional<Wrapper> cargo_wrapper(const Chart& chart) {
  for (const std::string_view name : {"RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER"}) {
    if (const auto value = chart.variable(name); !value.empty()) {
      return Wrapper{.value = value, .said = chart.shown(name)};
    }
  }
  for (const std::string_view name : {"build.rustc-wrapper", "env.RUSTC_WRAPPER"}) {
    if (const auto* set = find(chart.project.cargo_config, name)) {
      return Wrapper{.value = set->value, .said = set->shown()};
    }
  }
  return std::nullopt;
}

Finding configured_before(const Chart& chart) {
  const auto& cache = chart.project.cmake_cache;
  if (!chart.project.cmake || cache.empty() || !not_asked(chart)) {
    return std::nullopt;
  }
  for (const auto name : k_cmake_launchers) {
    const auto* set = find(cache, name);
    if (set != nullptr && !set->value.empty()) {
      return std::nullopt;
    }
  }
  std::vector<std::string> evidence = {fmt::format(
      "{}: no CMAKE_C_COMPILER_LAUNCHER and no CMAKE_CXX_COMPILER_LAUNCHER", chart.project.cmake_cache_path)};
  const bool in_environment = !chart.variable(k_cmake_launchers[0]).empty();
  if (in_environment) {
    evidence.push_back(chart.shown(k_cmake_launchers[0]) + " (read at the first configuration only)");
  }
  return found(
      Certainty::certain, 1,
      {.title = in_environment ? "The build folder was configured before the compiler launcher was set"
                               : "CMake was configured without a compiler launcher: sccache is never called",
       .evidence = std::move(evidence),
       .fix = fmt::format("cmake -B {} -DCMAKE_C_COMPILER_LAUNCHER=sccache "
                          "-DCMAKE_CXX_COMPILER_LAUNCHER=sccache",
                          io::fs::path(chart.project.cmake_cache_path).parent_path().empty()
                              ? "."
                              : io::fs::path(chart.project.cmake_cache_path).parent_path().string())});
}

Finding wrapper_replaced(const Chart& chart) {
  if (chart.project.cargo) {
    const auto wrapper = cargo_wrapper(chart);
    if (wrapper && !wrapper->value.empty() && !is_sccache(wrapper->value) && not_asked(chart)) {
      return found(Certainty::certain, 1,
                   {.title = "Another wrapper stands in front of rustc",
                    .evidence = {wrapper->said},
                    .fix = "RUSTC_WRAPPER=sccache cargo build"});
    }
    const auto* set = find(chart.project.cargo_config, "build.rustc-wrapper");
    if (set != nullptr && !is_sccache(set->value) && chart.variable("RUSTC_WRAPPER").empty() &&
        not_asked(chart)) {
      return found(Certainty::certain, 1,
                   {.title = "cargo's configuration switches the wrapper off",
                    .evidence = {set->shown()},
                    .fix = "[build]\nrustc-wrapper = \"sccache\""});
    }
  }
  for (const auto name : k_cmake_launchers) {
    const auto* set = find(chart.project.cmake_cache, name);
    if (set != nullptr && !set->value.empty() && !is_sccache(set->value) && not_asked(chart)) {
      return found(
          Certainty::certain, 1,
          {.title = "CMake calls another compiler launcher",
           .evidence = {set->shown()},
           .fix = fmt::format("cmake -B {} -D{}=sccache",
                              io::fs::path(chart.project.cmake_cache_path).parent_path().string(), name)});
    }
  }
  return std::nullopt;
}

Finding warm_target(const Chart& chart) {
  const auto& project = chart.project;
  const auto units = project.warm_units;
  const bool few = chart.requests_seen() * 4 < std::max<std::uint64_t>(units, project.locked_packages);
  if (!project.cargo || units == 0 || !few) {
    return std::nullopt;
  }
  const bool wrapped = cargo_wrapper(chart).has_value();
  if (!wrapped && !chart.ours()) {
    return std::nullopt;
  }
  return found(
      chart.ours() ? Certainty::certain : Certainty::likely, 0.5,
      {.title = "The target folder was warm: cargo had almost nothing to compile",
       .evidence = {fmt::format("{}: {}", project.target, report::counted(units, "unit") + " are there"),
                    fmt::format("Cargo.lock: {}", report::counted(project.locked_packages, "package")),
                    fmt::format("sccache: {}", report::counted(chart.requests_seen(), "compilation"))},
       .fix = "# Nothing is broken. To see what sccache can do, build from nothing:\ncargo clean"});
}

Finding wrapper_missing(const Chart& chart) {
  const auto& project = chart.project;
  if (!not_asked(chart) || configured_before(chart) || wrapper_replaced(chart) || warm_target(chart)) {
    return std::nullopt;
  }
  std::vector<std::string> evidence;
  if (chart.counted() || chart.ours()) {
    evidence.emplace_back("sccache was asked for 0 compilations");
  }
  if (project.cargo && !cargo_wrapper(chart)) {
    evidence.emplace_back("RUSTC_WRAPPER is not set, and .cargo/config.toml has no build.rustc-wrapper");
    return found(Certainty::certain, 1,
                 {.title = "Nothing tells cargo to call sccache",
                  .evidence = std::move(evidence),
                  .fix = "export RUSTC_WRAPPER=sccache\n# or, in .cargo/config.toml:\n[build]\n"
                         "rustc-wrapper = \"sccache\""});
  }
  if (chart.ours() && (project.cargo || project.cmake || project.make)) {
    evidence.push_back(fmt::format("{} ran below Hearth", chart.surroundings.command.empty()
                                                              ? std::string("the command")
                                                              : chart.surroundings.command));
    return found(
        Certainty::likely, 1,
        {.title = "The build never called sccache",
         .evidence = std::move(evidence),
         .fix = project.make && !project.cargo && !project.cmake
                    ? R"(make CC="sccache cc" CXX="sccache c++")"
                    : "# Let the build inherit RUSTC_WRAPPER and CMAKE_*_COMPILER_LAUNCHER, and start "
                      "from an empty build folder"});
  }
  return std::nullopt;
}

// sccache refuses incremental compilations, and the launcher leaves them alone.
Finding incremental(const Chart& chart) {
  const auto fallbacks = chart.figures.fallbacks.find("incremental");
  const auto& reasons = chart.reasons();
  const auto refused = reasons.find("incremental");
  const std::uint64_t count = (fallbacks == chart.figures.fallbacks.end() ? 0 : fallbacks->second) +
                              (refused == reasons.end() ? 0 : refused->second);
  std::vector<std::string> evidence;
  for (const std::string_view name : {"CARGO_INCREMENTAL", "CARGO_BUILD_INCREMENTAL"}) {
    const auto value = chart.variable(name);
    if (value == "1" || value == "true") {
      evidence.push_back(chart.shown(name));
    }
  }
  for (const auto* settings : {&chart.project.cargo_config, &chart.project.manifest}) {
    for (const auto& set : *settings) {
      if (set.name.ends_with("incremental") && set.value == "true") {
        evidence.push_back(set.shown());
      }
    }
  }
  if (count == 0 && (chart.counted() || evidence.empty() || !chart.project.cargo)) {
    return std::nullopt;
  }
  evidence.insert(evidence.begin(), fmt::format("{} left uncached because of incremental compilation",
                                                report::counted(count, "compilation")));
  return found(count > 0 ? Certainty::certain : Certainty::likely, 0.95,
               {.title = "Incremental compilation is on, which sccache cannot cache",
                .evidence = std::move(evidence),
                .fix = "export CARGO_INCREMENTAL=0"});
}

constexpr std::array<Rule, 5> k_rules = {{{"configured-before", configured_before},
                                          {"wrapper-replaced", wrapper_replaced},
                                          {"warm-target", warm_target},
                                          {"wrapper-missing", wrapper_missing},
                                          {"incremental", incremental}}};

}  // namespace

std::span<const Rule> engagement_rules() {
  return k_rules;
}

}  // namespace agent::doctor
