// Results for people: a table for a terminal, one for a job summary, a chart. Pure functions; safe from any
// thread. Names from outside are made plain.
#pragma once

#include <string>
#include <vector>

#include "agent/bench/gate.hpp"
#include "agent/bench/results.hpp"

namespace agent::bench {

struct Shown {
  const Results& results;
  const std::vector<Verdict>& verdicts;  // of the gates
  const Results* previous = nullptr;     // what to compare with
};

std::string text(const Shown& shown);

std::string markdown(const Shown& shown);

// Bars of the median times, cold and warm, one pair for each leg; readable on light and dark ground.
std::string svg(const Results& results);

}  // namespace agent::bench
