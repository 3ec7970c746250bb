// The doctor's answer: what was found, most certain and most costly first, and how much could be cached at
// all. Pure; safe from any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/doctor/chart.hpp"
#include "agent/io/json.hpp"
#include "agent/report/verdict.hpp"

namespace agent::doctor {

// The most that a build like this one can hit. cargo's questions to the compiler count nowhere.
struct Ceiling {
  std::uint64_t cacheable = 0;
  std::uint64_t total = 0;
  std::map<std::string, std::uint64_t> reasons;  // why the others are not

  // "at most 71 % of 75 compilations are cacheable: 22 crate-type, …"; empty where nothing was compiled.
  std::string sentence() const;
};

Ceiling ceiling_of(const Chart& chart);

struct Diagnosis {
  std::string looked_at;                  // which run, or what else
  std::vector<std::string> unseen;        // what could not be looked at, and why
  std::vector<report::Verdict> verdicts;  // empty: healthy
  Ceiling ceiling;
};

Diagnosis examine(const Chart& chart);

// {looked_at, unseen: […], verdicts: […], ceiling: {cacheable, total, reasons}}
io::Json to_json(const Diagnosis& diagnosis);

// For people: ceiling, then verdicts, in full.
std::string text_of(const Diagnosis& diagnosis, const Chart& chart);

// Names of all rules, in the order in which they are asked.
std::vector<std::string_view> rule_names();

}  // namespace agent::doctor
