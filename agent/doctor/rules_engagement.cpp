// sccache was not asked: no wrapper, another wrapper, nothing left to compile.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "agent/doctor/rule.hpp"
#include "agent/report/amounts.hpp"

namespace agent::doctor {

namespace {

constexpr std::array<std::string_view, 2> k_cmake_launchers = {"CMAKE_C_COMPILER_LAUNCHER",
                                                               "CMAKE_CXX_COMPILER_LAUNCHER"};

bool is_sccache(std::string_view value) {
  return value.contains("sccache");
}

// How many compilations were handed to sccache, as far as anybody counted: failed ones too.
std::uint64_t asked(const Chart& chart) {
  auto count = chart.requests_seen();
  if (chart.statistics) {
    count = std::max(count, chart.statistics->executed + chart.not_cacheable());
  }
  if (!chart.counted()) {                 // other tools look things up too, so it stands in only
    const auto& figures = chart.figures;  // in disk mode stores only are seen
    count = std::max({count, figures.lookups_hit.value_or(0) + figures.lookups_missed.value_or(0),
                      figures.stores.value_or(0)});
  }
  return count + report::total_of(chart.figures.fallbacks);
}

bool not_asked(const Chart& chart) {
  return asked(chart) == 0;
}

constexpr std::uint64_t k_few = 4;  // times less than expected

// cargo compiled, and hardly any of it came to sccache.
bool lost_on_the_way(const Chart& chart) {
  return chart.project.cargo && asked(chart) * k_few < chart.project.cargo_output.written;
}

// Whether CMake's build folder has to do with what is looked at.
bool concerns_cmake(const Chart& chart) {
  return !chart.ours() || chart.project.cmake_built;
}

// "cargo (1a2b3c4d)" is cargo.
bool ran_cargo(const Chart& chart) {
  return chart.surroundings.command.starts_with("cargo (");
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
  if (!chart.project.cmake || cache.empty() || !concerns_cmake(chart) || !not_asked(chart)) {
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
    if (set != nullptr && !set->value.empty() && !is_sccache(set->value) && concerns_cmake(chart) &&
        not_asked(chart)) {
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

// Only what was there before the command is warm: what it compiled itself lies beside it when it has ended.
Finding warm_target(const Chart& chart) {
  const auto& output = chart.project.cargo_output;
  const auto compiled = std::max<std::uint64_t>(asked(chart), output.written);
  if (!chart.project.cargo || lost_on_the_way(chart) || compiled * k_few >= output.packages_before) {
    return std::nullopt;
  }
  // Where nothing was compiled, cargo may not have been called at all.
  const bool live = !chart.ours() && cargo_wrapper(chart) && chart.counted();
  const bool called = output.written > 0 || ran_cargo(chart) || chart.source == Source::agent;
  if (!live && !(chart.ours() && called)) {
    return std::nullopt;
  }
  const bool sure = chart.ours() && output.written > 0;
  return found(sure ? Certainty::certain : (ran_cargo(chart) ? Certainty::likely : Certainty::possible), 0.5,
               {.title = "The target folder was warm: cargo had almost nothing to compile",
                .evidence = {fmt::format("{}: {} compiled before", chart.project.target,
                                         report::counted(output.packages_before, "package")),
                             fmt::format("compiled in this run: {}", report::counted(output.written, "unit")),
                             fmt::format("sccache: {}", report::counted(asked(chart), "compilation"))},
                .fix = "# Nothing is broken. To see what sccache can do, build from nothing:\ncargo clean"});
}

// What shows that something was compiled at all; a command that builds nothing calls no wrapper.
std::vector<std::string> proof_of_building(const Chart& chart) {
  std::vector<std::string> proof;
  const auto& project = chart.project;
  if (project.cargo && project.cargo_output.written > 0) {
    proof.push_back(fmt::format("{}: {} compiled in this run", project.target,
                                report::counted(project.cargo_output.written, "unit")));
  }
  if ((project.cmake || project.make) && !project.written.empty()) {
    proof.push_back(fmt::format("written in this run: {}", fmt::join(project.written, ", ")));
  }
  return proof;
}

Finding wrapper_missing(const Chart& chart) {
  const auto& project = chart.project;
  if (!not_asked(chart) && !lost_on_the_way(chart)) {
    return std::nullopt;
  }
  auto proof = proof_of_building(chart);
  const bool built = !chart.ours() || !proof.empty();
  if (!built || configured_before(chart) || wrapper_replaced(chart) || warm_target(chart)) {
    return std::nullopt;
  }
  std::vector<std::string> evidence;
  if (chart.counted() || chart.ours()) {
    evidence.push_back(fmt::format("sccache was asked for {}", report::counted(asked(chart), "compilation")));
  }
  std::ranges::move(proof, std::back_inserter(evidence));
  if (project.cargo && !cargo_wrapper(chart)) {
    evidence.emplace_back("RUSTC_WRAPPER is not set, and .cargo/config.toml has no build.rustc-wrapper");
    return found(Certainty::certain, 1,
                 {.title = "Nothing tells cargo to call sccache",
                  .evidence = std::move(evidence),
                  .fix = "export RUSTC_WRAPPER=sccache\n# or, in .cargo/config.toml:\n[build]\n"
                         "rustc-wrapper = \"sccache\""});
  }
  if (!chart.ours()) {
    return std::nullopt;
  }
  evidence.push_back(fmt::format("{} ran below Hearth", chart.surroundings.command.empty()
                                                            ? std::string("the command")
                                                            : chart.surroundings.command));
  return found(Certainty::likely, 1,
               {.title = not_asked(chart) ? "The build never called sccache"
                                          : "Most of the build never called sccache",
                .evidence = std::move(evidence),
                .fix = project.make && !project.cargo && !project.cmake
                           ? R"(make CC="sccache cc" CXX="sccache c++")"
                           : "# Let the build inherit RUSTC_WRAPPER and CMAKE_*_COMPILER_LAUNCHER, and start "
                             "from an empty build folder"});
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
  // The variable goes before every profile.
  const auto variable = chart.variable("CARGO_INCREMENTAL");
  for (const auto* settings : {&chart.project.cargo_config, &chart.project.manifest}) {
    for (const auto& set : *settings) {
      if (variable.empty() && set.name.ends_with("incremental") && set.value == "true") {
        evidence.push_back(set.shown());
      }
    }
  }
  // A server that was asked for something would have counted it.
  const bool would_be_counted = chart.ours() ? chart.counted() : chart.requests_seen() > 0;
  if (count == 0 && (would_be_counted || evidence.empty() || !chart.project.cargo)) {
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
