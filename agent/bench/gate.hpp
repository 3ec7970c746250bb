// What a benchmark must reach: "warm_hit_rate>=95", "429==0", "proxy.warm_over_cold<0.5". Pure functions;
// safe from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/bench/results.hpp"
#include "agent/core/result.hpp"

namespace agent::bench {

struct Gate {
  enum class Comparison : std::uint8_t { less, at_most, equal, unequal, at_least, more };
  std::string text;    // as it was asked
  std::string leg;     // empty: every leg, but not those without a backend where the figure is of one
  std::string figure;  // cold_seconds, warm_hit_rate, 429, …: gate_figures()
  Comparison comparison{};
  double bound = 0;
};

// The names that a gate may ask for.
std::vector<std::string_view> gate_figures();

// [LEG.]FIGURE OP NUMBER with OP of < <= == != >= >. Errors: invalid, naming the gate and what would be
// right.
Result<Gate> parse_gate(std::string_view text);

struct Verdict {
  std::string gate;
  std::string leg;              // empty: no leg has the figure, and the gate names none
  std::optional<double> value;  // empty: not measured, which is not reached
  bool held = false;
};

// One verdict for each leg that a gate is about, not held where the figure was not measured; a single one
// where it was measured in none of them.
std::vector<Verdict> judge(const Gate& gate, const Results& results);

}  // namespace agent::bench
