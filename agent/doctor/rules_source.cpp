// Sources and flags by which a compilation is never the same twice, or never the same elsewhere.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "agent/core/text.hpp"
#include "agent/doctor/rule.hpp"
#include "agent/sccache/redaction.hpp"

namespace agent::doctor {

namespace {

// Misses that a run before this one should have prevented.
bool misses_again(const Chart& chart, std::string_view language) {
  const bool before = chart.previous && chart.previous->figures.tag == chart.figures.tag;
  return chart.low() && chart.misses_of(language) > 0 && (before || !chart.ours());
}

bool moved(const Chart& chart) {
  return chart.previous && chart.previous->surroundings.folder != chart.surroundings.folder;
}

constexpr std::string_view k_environment = "environment";  // where a flag was found

// All flags of the project that its files and environment tell.
std::vector<Setting> flags_of(const Chart& chart) {
  std::vector<Setting> flags;
  for (const auto& set : chart.project.cmake_cache) {
    if (set.name.contains("_FLAGS") && !set.value.empty()) {
      flags.push_back(set);
    }
  }
  for (const std::string_view name :
       {"CFLAGS", "CXXFLAGS", "CPPFLAGS", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"}) {
    if (const auto value = chart.variable(name); !value.empty()) {
      flags.push_back({.name = std::string(name), .value = value, .where = std::string(k_environment)});
    }
  }
  for (const auto& set : chart.project.cargo_config) {
    if (set.name.ends_with("rustflags")) {
      flags.push_back(set);
    }
  }
  return flags;
}

std::vector<std::string> words_of(std::string flags) {
  std::ranges::replace_if(flags, [](char letter) { return letter == '\x1f' || letter == ','; }, ' ');
  std::vector<std::string> words;
  for (const auto word : split(flags, ' ')) {
    if (!word.empty()) {
      words.emplace_back(word);
    }
  }
  return words;
}

// The first word of flags of which `is` holds, as evidence.
template <typename Is>
std::optional<std::string> flag_where(const Chart& chart, Is is) {
  for (const auto& set : flags_of(chart)) {
    for (const auto& word : words_of(set.value)) {
      if (is(set, word)) {
        return fmt::format("{}: {}: {}", set.where, set.name, sccache::without_secrets(word));
      }
    }
  }
  return std::nullopt;
}

// The run before had this very flag, as far as its environment is on record; of files only today's content is
// known.
bool was_there_before(const Chart& chart, const Setting& set, const std::string& word) {
  if (!chart.previous || set.where != k_environment) {
    return false;
  }
  const auto then = words_of(io::variable_in(chart.previous->surroundings.environment, set.name));
  return std::ranges::find(then, word) != then.end();
}

bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}

// "2026-11-21", "20:15:04", "1795299908".
bool is_moment(std::string_view value) {
  constexpr std::ptrdiff_t k_digits_of_a_time = 6;
  return std::ranges::count_if(value, is_digit) >= k_digits_of_a_time;
}

// As git abbreviates one, or longer, in quotes or not.
bool is_commit(std::string_view value) {
  constexpr std::ptrdiff_t k_digits_of_a_commit = 7;
  const auto is_hex = [](char letter) { return is_digit(letter) || (letter >= 'a' && letter <= 'f'); };
  return std::ranges::any_of(value, is_digit) && std::ranges::count_if(value, is_hex) >= k_digits_of_a_commit;
}

bool is_counted(std::string_view value) {
  return std::ranges::any_of(value, is_digit);
}

// A definition whose value looks like a time, a date, a commit or a number of a build, and whose name says
// so: whole words between underscores, since TIMEOUT is no time. A number as long as a time in seconds needs
// no name.
bool is_volatile(std::string_view word) {
  struct Kind {
    std::string_view name;
    bool (*looks_like)(std::string_view value);
  };
  constexpr std::array<Kind, 8> k_kinds = {{{"_time_", is_moment},
                                            {"_date_", is_moment},
                                            {"_commit_", is_commit},
                                            {"_git_", is_commit},
                                            {"_sha_", is_commit},
                                            {"_revision_", is_counted},
                                            {"_build_id_", is_counted},
                                            {"_build_number_", is_counted}}};
  constexpr std::ptrdiff_t k_digits_of_seconds = 10;
  const auto equals = word.find('=');
  if (!word.starts_with("-D") || equals == std::string_view::npos) {
    return false;
  }
  const auto name = fmt::format("_{}_", lowered(word.substr(2, equals - 2)));
  const auto value = lowered(word.substr(equals + 1));
  return std::ranges::count_if(value, is_digit) >= k_digits_of_seconds ||
         std::ranges::any_of(
             k_kinds, [&](const Kind& kind) { return name.contains(kind.name) && kind.looks_like(value); });
}

Finding clock_macro(const Chart& chart) {
  if (chart.project.clock_macros.empty() || !misses_again(chart, "C/C++")) {
    return std::nullopt;
  }
  return found(
      Certainty::certain, chart.miss_share() * 0.97,
      {.title = "__TIME__ or __DATE__ in a source: its compilation is never the same twice",
       .evidence = chart.project.clock_macros,
       .fix = "# Take the time from one file that nobody else includes, or leave it to the package:\n"
              "grep -rnE '__(TIME|DATE|TIMESTAMP)__' --include='*.[ch]*' ."});
}

Finding volatile_define(const Chart& chart) {
  if (!misses_again(chart, "C/C++")) {
    return std::nullopt;
  }
  const auto flag = flag_where(chart, [&](const Setting& set, const std::string& word) {
    return is_volatile(word) && !was_there_before(chart, set, word);
  });
  if (!flag) {
    return std::nullopt;
  }
  return found(Certainty::likely, chart.miss_share(),
               {.title = "A definition on the command line differs from run to run; unused ones count too",
                .evidence = {*flag},
                .fix = "# Write the value to a header that one source includes, instead of -D for all"});
}

Finding prefix_map(const Chart& chart) {
  if (!misses_again(chart, "C/C++") && !misses_again(chart, "Rust")) {
    return std::nullopt;
  }
  const auto flag = flag_where(chart, [](const Setting&, std::string_view word) {
    const bool maps = word.starts_with("-ffile-prefix-map=/") || word.starts_with("-fdebug-prefix-map=/") ||
                      word.starts_with("-fmacro-prefix-map=/") || word.starts_with("--remap-path-prefix=/");
    return maps;
  });
  if (!flag || !moved(chart)) {
    return std::nullopt;
  }
  return found(Certainty::certain, chart.miss_share() * 1.01,
               {.title = "A flag names the checkout's absolute path, and the checkout has moved",
                .evidence = {*flag, "last run in " + chart.previous->surroundings.folder},
                .fix = "# sccache 0.19 takes the path out of keys with\nexport SCCACHE_BASEDIRS=\"$PWD\""});
}

Finding path_macro(const Chart& chart) {
  if (chart.project.path_macros.empty() || !misses_again(chart, "C/C++") || !moved(chart)) {
    return std::nullopt;
  }
  auto evidence = chart.project.path_macros;
  evidence.push_back(fmt::format("last run in {}, this run in {}", chart.previous->surroundings.folder,
                                 chart.surroundings.folder));
  return found(
      Certainty::likely, chart.miss_share() * 0.9,
      {.title = "__FILE__ with an absolute path: the same source elsewhere is another one",
       .evidence = std::move(evidence),
       .fix = "# Compile relative paths, or strip the folder in the compiler:\n"
              "cmake -B build -DCMAKE_C_FLAGS=\"-fmacro-prefix-map=$PWD=.\"   # in one fixed folder"});
}

Finding build_script_output(const Chart& chart) {
  if (chart.project.volatile_env.empty() || !misses_again(chart, "Rust")) {
    return std::nullopt;
  }
  return found(
      Certainty::likely, chart.miss_share() * 0.6,
      {.title = "A build script hands a commit or a time to the compiler: its crate and all above change",
       .evidence = chart.project.volatile_env,
       .fix = "# Pass it to the last binary only, or take it at run time; in CI:\nexport "
              "VERGEN_IDEMPOTENT=1"});
}

constexpr std::array<Rule, 5> k_rules = {{{"clock-macro", clock_macro},
                                          {"prefix-map", prefix_map},
                                          {"volatile-define", volatile_define},
                                          {"path-macro", path_macro},
                                          {"build-script-output", build_script_output}}};

}  // namespace

std::span<const Rule> source_rules() {
  return k_rules;
}

}  // namespace agent::doctor
