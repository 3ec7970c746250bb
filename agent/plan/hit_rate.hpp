// How often agents will hit, from the keys of runs that are on record. The model has one number: how far back
// a run can see. With n agents busy at once a run finds what was stored by those that ended before it began,
// and the n - 1 beside it do not count; so the forecast for n agents is how much of each recorded run's keys
// was known n runs before it. That is on the safe side: agents publish while they run.
// Pure; safe from any thread. Rates are 0 to 1. docs/planning.md, "Hit rate".
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/io/json.hpp"

namespace agent::plan {

// A run as it was recorded, of one tag and with lookups.
struct PastRun {
  std::string id;
  std::vector<std::uint64_t> asked;  // keys it looked up; ascending, each once
  std::vector<std::uint64_t> known;  // keys that it found or stored: what later runs can hit; likewise
  double hit_rate = 0;               // as recorded
};

// What would have been said before a run, and what it then was.
struct HitCheck {
  std::string id;
  double forecast = 0;
  double recorded = 0;
};

class HitForecast final {
public:
  // The oldest run first. At least two runs, else nothing can be said.
  explicit HitForecast(std::span<const PastRun> runs);

  struct Rate {
    double rate = 0;
    bool extrapolated = false;  // there are fewer runs on record than agents
  };
  // Empty where nothing can be said.
  std::optional<Rate> for_agents(std::uint64_t agents) const;

  // Of every run but the first two, from the runs before it alone.
  const std::vector<HitCheck>& checks() const { return checks_; }
  std::optional<double> mean_error() const;

private:
  std::vector<double> by_lag_;  // the first: of one agent
  std::vector<HitCheck> checks_;
};

// {checks: [{run, forecast, recorded}], mean_error}
io::Json to_json(const HitForecast& forecast);

}  // namespace agent::plan
