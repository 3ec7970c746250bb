#include "agent/plan/hit_rate.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace agent::plan {

namespace {

using Keys = std::vector<std::uint64_t>;

Keys together(const Keys& one, const Keys& other) {
  Keys all;
  std::ranges::set_union(one, other, std::back_inserter(all));
  return all;
}

double share_of(const Keys& asked, const Keys& known) {
  Keys both;
  std::ranges::set_intersection(asked, known, std::back_inserter(both));
  return static_cast<double>(both.size()) / static_cast<double>(asked.size());
}

// The median: one run that changed everything is no forecast.
double middle_of(std::vector<double> values) {
  const auto half = static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, values.begin() + half);
  const auto upper = values[values.size() / 2];
  return values.size() % 2 == 1
             ? upper
             : (upper + *std::ranges::max_element(values.begin(), values.begin() + half)) / 2;
}

}  // namespace

HitForecast::HitForecast(std::span<const PastRun> runs) {
  std::vector<Keys> known_until;  // after each run
  for (const auto& run : runs) {
    known_until.push_back(known_until.empty() ? run.known : together(known_until.back(), run.known));
  }
  std::vector<double> next;  // what each run saw of the one before it and all earlier
  for (std::size_t lag = 1; lag < runs.size(); ++lag) {
    std::vector<double> shares;
    for (std::size_t run = lag; run < runs.size(); ++run) {
      if (!runs[run].asked.empty()) {
        shares.push_back(share_of(runs[run].asked, known_until[run - lag]));
      }
    }
    if (shares.empty()) {
      break;
    }
    // Who sees less hits no more, also where few runs say otherwise.
    by_lag_.push_back(by_lag_.empty() ? middle_of(shares) : std::min(by_lag_.back(), middle_of(shares)));
    if (lag == 1) {
      next = std::move(shares);
    }
  }
  for (std::size_t run = 2; run < runs.size() && next.size() + 1 == runs.size(); ++run) {
    const std::vector<double> before(next.begin(), next.begin() + static_cast<std::ptrdiff_t>(run) - 1);
    checks_.push_back({.id = runs[run].id, .forecast = middle_of(before), .recorded = runs[run].hit_rate});
  }
}

std::optional<HitForecast::Rate> HitForecast::for_agents(std::uint64_t agents) const {
  if (by_lag_.empty() || agents == 0) {
    return std::nullopt;
  }
  if (agents <= by_lag_.size()) {
    return Rate{.rate = by_lag_[agents - 1]};
  }
  // Each further run makes the same share of keys unknown.
  const auto first = by_lag_.front();
  const auto steps = static_cast<double>(by_lag_.size() - 1);
  const auto factor = steps > 0 && first > 0 ? std::pow(by_lag_.back() / first, 1 / steps) : 1.0;
  const auto beyond = static_cast<double>(agents - by_lag_.size());
  return Rate{.rate = by_lag_.back() * std::pow(factor, beyond), .extrapolated = true};
}

std::optional<double> HitForecast::mean_error() const {
  if (checks_.empty()) {
    return std::nullopt;
  }
  double sum = 0;
  for (const auto& check : checks_) {
    sum += std::abs(check.forecast - check.recorded);
  }
  return sum / static_cast<double>(checks_.size());
}

io::Json to_json(const HitForecast& forecast) {
  io::JsonArray checks;
  for (const auto& check : forecast.checks()) {
    checks.emplace_back(
        io::JsonObject{{"run", check.id}, {"forecast", check.forecast}, {"recorded", check.recorded}});
  }
  return io::JsonObject{{"checks", std::move(checks)}, {"mean_error", forecast.mean_error()}};
}

}  // namespace agent::plan
