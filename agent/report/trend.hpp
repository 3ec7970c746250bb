// The last runs of a tag as small charts of one line, this run at the right. Pure functions; safe from any
// thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "agent/report/figures.hpp"

namespace agent::report {

constexpr std::size_t k_runs_in_trend = 20;

// One block a value, as high as its share of `highest`; "·" where nothing is known.
std::string sparkline(const std::vector<std::optional<double>>& values, double highest);

struct TrendLine {
  std::string name;       // "hit rate"
  std::string sparkline;  // oldest first
  std::string first;      // "12 runs, from 0 %"
  std::string last;       // "99.7 %"
};

// Hit rate, time saved and time taken. Empty where no earlier run is known, or nothing of this one.
std::vector<TrendLine> trend(const Figures& figures);

// The same as a table; empty where there is none.
std::string trend_markdown(const Figures& figures);

}  // namespace agent::report
