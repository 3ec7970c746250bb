// One cause of a low hit rate as a rule: a name, and a function that finds it in a chart. A new one is a
// function and a line in the table of its group's file; docs/doctor.md has a section for each (tools/
// check_docs.py holds the two together). Pure functions; safe from any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/doctor/chart.hpp"
#include "agent/report/verdict.hpp"

namespace agent::doctor {

using report::Certainty;

// What a rule answers; empty: it does not apply. Its name is added by whoever asks.
using Finding = std::optional<report::Verdict>;

struct Rule {
  std::string_view name;
  Finding (*detect)(const Chart&);
  // Rules of earlier lines that say the same more exactly: where one of them applies, this one is not asked.
  std::span<const std::string_view> unless = {};
};

// Groups A to E of the taxonomy, and settings that do nothing.
std::span<const Rule> engagement_rules();  // sccache was not asked
std::span<const Rule> server_rules();      // its server is not there, or another one answers
std::span<const Rule> storage_rules();     // it cannot write or read back
std::span<const Rule> backend_rules();     // Hearth's own storage
std::span<const Rule> key_rules();         // other keys than last time
std::span<const Rule> source_rules();      // sources and flags that change every key
std::span<const Rule> cacheable_rules();   // compilations that cannot be cached
std::span<const Rule> expected_rules();    // looks bad and is not
std::span<const Rule> setting_rules();     // settings that have no effect, or two caches of one thing

struct What {
  std::string title;
  std::vector<std::string> evidence;
  std::string fix;
};

inline Finding found(Certainty certainty, double cost, What what) {
  return report::Verdict{.rule = {},
                         .certainty = certainty,
                         .cost = cost,
                         .title = std::move(what.title),
                         .evidence = std::move(what.evidence),
                         .fix = std::move(what.fix)};
}

}  // namespace agent::doctor
