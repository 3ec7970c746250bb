#include "agent/doctor/difference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <ranges>
#include <set>
#include <utility>

#include "agent/doctor/chart.hpp"
#include "agent/doctor/pairing.hpp"
#include "agent/report/amounts.hpp"
#include "agent/report/plain.hpp"
#include "agent/sccache/build_variables.hpp"

namespace agent::doctor {

namespace {

constexpr std::size_t k_text_limit = 300;
constexpr std::size_t k_shown = 50;
constexpr std::size_t k_causes_shown = 10;
constexpr std::string_view k_argument = "argument";

bool enters_keys(const Change& change) {
  return sccache::enters_rust_keys(change.what) || sccache::enters_c_keys(change.what) ||
         change.what == "folder" || change.what == "rustc" || change.what == "cc" || change.what == "c++";
}

std::vector<Change> changes_around(const app::RunRecord& then, const app::RunRecord& now) {
  std::vector<Change> changes;
  const auto add = [&](std::string_view what, const std::string& before, const std::string& after) {
    if (before != after) {
      changes.push_back({.what = std::string(what), .then = before, .now = after});
    }
  };
  add("tag", then.figures.tag, now.figures.tag);
  add("scope", then.figures.scope, now.figures.scope);
  add("backend", then.figures.backend, now.figures.backend);
  add("mode", then.figures.mode, now.figures.mode);
  add("sccache mode", then.figures.sccache_mode, now.figures.sccache_mode);
  add("folder", then.surroundings.folder, now.surroundings.folder);
  add("command", then.surroundings.command, now.surroundings.command);
  std::set<std::string> names;
  for (const auto* record : {&then, &now}) {
    for (const auto& [name, value] : record->surroundings.environment) {
      names.insert(name);
    }
    for (const auto& [name, value] : record->surroundings.programs) {
      names.insert(name);
    }
  }
  const auto value_of = [](const app::RunRecord& record, const std::string& name) {
    const auto program = record.surroundings.programs.find(name);
    return program != record.surroundings.programs.end()
               ? program->second
               : io::variable_in(record.surroundings.environment, name);
  };
  // These name the run's own folder.
  constexpr std::array<std::string_view, 5> k_private = {"RUSTC_WRAPPER", "CMAKE_C_COMPILER_LAUNCHER",
                                                         "CMAKE_CXX_COMPILER_LAUNCHER", "SCCACHE_PATH",
                                                         "SCCACHE_SERVER_UDS"};
  for (const auto& name : names) {
    if (std::ranges::find(k_private, name) == k_private.end()) {
      add(name, value_of(then, name), value_of(now, name));
    }
  }
  std::ranges::stable_partition(changes, enters_keys);
  return changes;
}

// Arguments that do not enter a key, and what follows them.
bool is_left_out(std::string_view argument, bool rust) {
  constexpr std::array<std::string_view, 5> k_rust = {"--out-dir", "-L", "--extern", "--check-cfg",
                                                      "--diagnostic-width"};
  constexpr std::array<std::string_view, 4> k_c = {"-o", "-MF", "-MT", "-MQ"};
  return rust ? std::ranges::find(k_rust, argument) != k_rust.end()
              : std::ranges::find(k_c, argument) != k_c.end();
}

std::vector<std::string> key_arguments(const sccache::KeyedCompilation& compilation) {
  std::vector<std::string> kept;
  const bool rust = compilation.is_rust();
  for (std::size_t i = 0; i < compilation.arguments.size(); ++i) {
    if (is_left_out(compilation.arguments[i], rust)) {
      ++i;
    } else {
      kept.push_back(compilation.arguments[i]);
    }
  }
  return kept;
}

std::optional<Change> first_argument(const sccache::KeyedCompilation& then,
                                     const sccache::KeyedCompilation& now) {
  const auto before = key_arguments(then);
  const auto after = key_arguments(now);
  const auto [a, b] = std::ranges::mismatch(before, after);
  if (a == before.end() && b == after.end()) {
    return std::nullopt;
  }
  // One that still comes is no other one: something was put in before it, or taken out.
  const bool added = a == before.end() || std::find(b, after.end(), *a) != after.end();
  const bool removed = b == after.end() || (!added && std::find(a, before.end(), *b) != before.end());
  return Change{.what = std::string(k_argument),
                .then = added ? std::string("(none)") : *a,
                .now = removed ? std::string("(none)") : *b};
}

// "serde" of `--extern serde=/…/libserde-0a1b.rmeta`.
std::vector<std::string> dependencies_of(const sccache::KeyedCompilation& compilation) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i + 1 < compilation.arguments.size(); ++i) {
    if (compilation.arguments[i] == "--extern") {
      const auto& word = compilation.arguments[i + 1];
      const auto begin =
          word.rfind(':', word.find('=')) == std::string::npos ? 0 : word.rfind(':', word.find('=')) + 1;
      names.push_back(word.substr(begin, word.find('=') - begin));
    }
  }
  return names;
}

Change change_of(const ChangedFile& file) {
  const auto text = [](std::uint64_t digest) {
    return digest == 0 ? std::string() : fmt::format("{:016x}", digest);
  };
  return {.what = file.path, .then = text(file.then), .now = text(file.now), .file = file.change};
}

std::string unknown_input(const Pairing::Pair& pair) {
  if (!pair.then->inputs.empty() && !pair.now->inputs.empty()) {
    return fmt::format("none of {} on record; what is left is the compiler, a dependency or the time",
                       report::counted(pair.now->inputs.size(), "file"));
  }
  return pair.now->is_rust() ? "a source, what a build script told, or a dependency" : "a source or a header";
}

Change first_change(const Difference& difference, const FileChanges& files, const Pairing::Pair& pair) {
  if (auto argument = first_argument(*pair.then, *pair.now)) {
    return *std::move(argument);
  }
  const bool rust = pair.now->is_rust();
  for (const auto& change : difference.around) {
    const bool variable = rust ? sccache::enters_rust_keys(change.what) : sccache::enters_c_keys(change.what);
    const bool compiler = rust ? change.what == "rustc" || change.what == "folder"
                               : change.what == "cc" || change.what == "c++";
    if (variable || compiler) {
      return change;
    }
  }
  if (const auto file = files.first(*pair.then, *pair.now)) {
    return change_of(*file);
  }
  return {.what = unknown_input(pair), .then = {}, .now = {}};
}

// Counts each changed key for the file or the argument that it comes from, if need be through the crates in
// between.
void count_cascades(Difference& difference) {
  std::map<std::string, Change> causes;  // by name of compilation
  std::map<std::array<std::string, 3>, Cascade> cascades;
  for (const auto& key : difference.changed) {
    const auto cause = causes.find(key.because);
    const auto first = cause != causes.end() ? cause->second : key.first;
    const bool is_argument = first.what == k_argument;
    if (first.file != FileChange::none || is_argument) {
      causes.emplace(key.name, first);
      auto& cascade = is_argument ? cascades[{first.what, first.then, first.now}] : cascades[{first.what}];
      cascade.first = first;
      ++cascade.compilations;
    }
  }
  for (auto& [identity, cascade] : cascades) {
    // An argument of one compilation stands with that compilation.
    if (cascade.first.file != FileChange::none || cascade.compilations > 1) {
      difference.cascades.push_back(std::move(cascade));
    }
  }
  std::ranges::stable_sort(difference.cascades, std::ranges::greater{}, &Cascade::compilations);
}

void compare_keys(Difference& difference, const app::RunRecord& then, const app::RunRecord& now) {
  const auto pairing = pair_up(then.keys.compilations, now.keys.compilations);
  const FileChanges files(then, now);
  std::set<std::string> changed;
  for (const auto& pair : pairing.pairs) {
    if (pair.then->key == pair.now->key) {
      ++difference.same;
      continue;
    }
    ChangedKey key{.name = pair.now->name, .then = pair.then->key, .now = pair.now->key};
    key.first = first_change(difference, files, pair);
    const auto dependencies = dependencies_of(*pair.now);
    const auto cause =
        std::ranges::find_if(dependencies, [&](const std::string& name) { return changed.contains(name); });
    if (cause != dependencies.end() && key.first.then == key.first.now) {
      key.because = *cause;
    }
    changed.insert(pair.now->name);
    difference.changed.push_back(std::move(key));
  }
  for (const auto* compilation : pairing.appeared) {
    difference.appeared.push_back(compilation->name);
  }
  for (const auto* compilation : pairing.vanished) {
    difference.vanished.push_back(compilation->name);
  }
  count_cascades(difference);
}

std::string_view name_of(FileChange change) {
  switch (change) {
    case FileChange::changed:
      return "changed";
    case FileChange::appeared:
      return "is new";
    case FileChange::vanished:
      return "is gone";
    case FileChange::none:
      break;
  }
  return "is the same";
}

io::Json change_json(const Change& change) {
  io::JsonObject json{{"what", change.what}, {"then", change.then}, {"now", change.now}};
  if (change.file != FileChange::none) {
    json.emplace("file", name_of(change.file));
  }
  return json;
}

// Without folder and extension, as rustc writes a crate's name.
std::string stem_of(std::string_view name) {
  auto stem = io::fs::path(name).stem().string();
  std::ranges::replace(stem, '-', '_');
  return stem;
}

io::Json names_json(const std::vector<std::string>& names) {
  return io::JsonArray(names.begin(), names.end());
}

}  // namespace

Difference compare(const app::RunRecord& then, const app::RunRecord& now) {
  Difference difference;
  difference.around = changes_around(then, now);
  difference.has_keys = !then.keys.compilations.empty() && !now.keys.compilations.empty();
  Chart chart;
  chart.figures = now.figures;
  chart.requests = now.requests;
  chart.previous = then;
  if (const auto keys = overlap(chart)) {
    difference.asked = keys->asked;
    difference.again = keys->again;
  }
  if (difference.has_keys) {
    compare_keys(difference, then, now);
  }
  return difference;
}

io::Json to_json(const Difference& difference) {
  io::JsonArray around;
  for (const auto& change : difference.around) {
    around.push_back(change_json(change));
  }
  io::JsonArray changed;
  for (const auto& key : difference.changed) {
    changed.emplace_back(io::JsonObject{{"name", key.name},
                                        {"then", fmt::format("{:016x}", key.then)},
                                        {"now", fmt::format("{:016x}", key.now)},
                                        {"first", change_json(key.first)},
                                        {"because", key.because}});
  }
  io::JsonArray cascades;
  for (const auto& cascade : difference.cascades) {
    cascades.emplace_back(
        io::JsonObject{{"first", change_json(cascade.first)}, {"compilations", cascade.compilations}});
  }
  return io::JsonObject{{"around", std::move(around)},
                        {"cascades", std::move(cascades)},
                        {"has_keys", difference.has_keys},
                        {"changed", std::move(changed)},
                        {"same", difference.same},
                        {"appeared", names_json(difference.appeared)},
                        {"vanished", names_json(difference.vanished)},
                        {"keys", io::JsonObject{{"asked", difference.asked}, {"again", difference.again}}}};
}

std::string text_of(const Change& change) {
  if (change.file != FileChange::none) {
    return fmt::format("{} {}", report::log_text(change.what, k_text_limit), name_of(change.file));
  }
  if (change.then == change.now) {
    return report::log_text(change.what, k_text_limit);
  }
  const auto shown = [](const std::string& value) {
    return value.empty() ? std::string("(not set)") : report::log_text(value, k_text_limit);
  };
  return fmt::format("{}: {} -> {}", report::log_text(change.what, k_text_limit), shown(change.then),
                     shown(change.now));
}

std::string text_of(const ChangedKey& key) {
  return fmt::format("{}: {}", report::log_text(key.name, k_text_limit),
                     key.because.empty()
                         ? text_of(key.first)
                         : fmt::format("because {} changed", report::log_text(key.because, k_text_limit)));
}

std::string text_of(const Difference& difference) {
  std::string out;
  for (const auto& change : difference.around) {
    out += fmt::format("{}\n", text_of(change));
  }
  if (difference.around.empty()) {
    out += "Nothing changed around the build.\n";
  }
  if (difference.asked > 0) {
    out += fmt::format("{} of {} keys were asked for in the earlier run too.\n", difference.again,
                       difference.asked);
  }
  if (!difference.has_keys) {
    return out + "For the inputs of each compilation, record both runs with `hearth run --explain`.\n";
  }
  out += fmt::format("{} kept their keys, {} have others, {} are new, {} are gone.\n",
                     report::counted(difference.same, "compilation"), difference.changed.size(),
                     difference.appeared.size(), difference.vanished.size());
  for (std::size_t i = 0; i < std::min(difference.cascades.size(), k_causes_shown); ++i) {
    const auto& cascade = difference.cascades[i];
    out += fmt::format("{} (first): {} cascaded.\n", text_of(cascade.first),
                       report::counted(cascade.compilations, "compilation"));
  }
  const auto shown = std::min(difference.changed.size(), k_shown);
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& key = difference.changed[i];
    out += fmt::format("  {}\n", text_of(key));
  }
  if (difference.changed.size() > shown) {
    out += fmt::format("  and {} more\n", difference.changed.size() - shown);
  }
  return out;
}

std::string history_of(const std::vector<app::RunRecord>& runs, std::string_view name) {
  constexpr std::size_t k_fewest_digits = 6;
  const bool digits =
      name.size() >= k_fewest_digits && name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  const auto begin = name.substr(0, 16);
  std::string out;
  for (const auto& run : std::views::reverse(runs)) {
    std::set<std::string> lines;
    for (const auto& compilation : run.keys.compilations) {
      const auto key = fmt::format("{:016x}", compilation.key);
      if (compilation.name == name || (digits && key.starts_with(begin))) {
        lines.insert(fmt::format("{} key {} {}", report::log_text(compilation.name, k_text_limit), key,
                                 compilation.outcome.empty() ? "unknown" : compilation.outcome));
      }
    }
    for (const auto& [outcome, keys] : run.requests.keys) {
      for (const auto key : keys) {
        const auto text = fmt::format("{:016x}", key);
        if (digits && text.starts_with(begin)) {
          lines.insert(fmt::format("key {} {}", text, outcome));
        }
      }
    }
    for (const auto& line : lines) {
      out += fmt::format("run {}: {}\n", run.id, line);
    }
  }
  return out;
}

std::vector<std::string> near_names(const std::vector<app::RunRecord>& runs, std::string_view name) {
  constexpr std::size_t k_most = 5;
  const auto stem = stem_of(name);
  std::set<std::string> names;
  for (const auto& run : runs) {
    for (const auto& compilation : run.keys.compilations) {
      if (stem_of(compilation.name) == stem) {
        names.insert(compilation.name);
      }
    }
  }
  auto few = names | std::views::take(k_most) | std::views::common;
  return {few.begin(), few.end()};
}

}  // namespace agent::doctor
