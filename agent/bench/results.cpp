#include "agent/bench/results.hpp"

#include <algorithm>

#include "agent/report/amounts.hpp"

namespace agent::bench {

namespace {

std::vector<double> seconds_of(const std::vector<Build>& builds) {
  std::vector<double> seconds;
  std::ranges::transform(builds, std::back_inserter(seconds), &Build::seconds);
  return seconds;
}

std::optional<double> rate_of(const std::vector<Build>& builds, Count Build::* hit, Count Build::* missed) {
  Count hits;
  Count misses;
  for (const auto& build : builds) {
    add_count(hits, build.*hit);
    add_count(misses, build.*missed);
  }
  return report::hit_rate_of(hits.value_or(0), misses.value_or(0));
}

// One more than the highest.
std::uint64_t sessions_of(const Results& results) {
  std::uint64_t sessions = 0;
  for (const auto& leg : results.legs) {
    sessions = std::max(sessions, leg.session + 1);
  }
  return sessions;
}

}  // namespace

void add_count(Count& sum, const Count& value) {
  if (value) {
    sum = sum.value_or(0) + *value;
  }
}

std::vector<Build> builds_of(const Leg& leg, Phase phase) {
  std::vector<Build> builds;
  for (const auto& round : leg.rounds) {
    if (const auto& build = round.*phase) {
      builds.push_back(*build);
    }
  }
  return builds;
}

std::optional<Ratio> ratio_of(const Leg& leg, const Leg& base, Phase phase) {
  auto ours = seconds_of(builds_of(leg, phase));
  auto theirs = seconds_of(builds_of(base, phase));
  return leg.session == base.session ? paired_ratio(ours, theirs)
                                     : unpaired_ratio(std::move(ours), std::move(theirs));
}

Figures figures_of(const Leg& leg) {
  const auto cold = builds_of(leg, &Round::cold);
  const auto warm = builds_of(leg, &Round::warm);
  const auto parallel = builds_of(leg, &Round::parallel);
  Figures figures;
  figures.cold_seconds = median(seconds_of(cold));
  figures.warm_seconds = median(seconds_of(warm));
  figures.parallel_seconds = median(seconds_of(parallel));
  if (figures.cold_seconds && figures.warm_seconds && *figures.cold_seconds > 0) {
    figures.warm_over_cold = *figures.warm_seconds / *figures.cold_seconds;
  }
  figures.cold_hit_rate = rate_of(cold, &Build::hits, &Build::misses);
  figures.warm_hit_rate = rate_of(warm, &Build::hits, &Build::misses);
  figures.rust_hit_rate = rate_of(warm, &Build::rust_hits, &Build::rust_misses);
  std::vector<double> latencies;
  for (const auto& build : warm) {
    if (build.read_hit_ms) {
      latencies.push_back(*build.read_hit_ms);
    }
  }
  figures.read_hit_ms = median(std::move(latencies));
  for (const auto* const builds : {&cold, &warm, &parallel}) {
    for (const auto& build : *builds) {
      add_count(figures.http_429, build.http_429);
      add_count(figures.conflicts, build.conflicts);
    }
  }
  return figures;
}

Results merged(std::vector<Results> all) {
  auto result = std::move(all.front());
  auto sessions = sessions_of(result);
  for (auto& other : std::span(all).subspan(1)) {
    const auto first = sessions;
    sessions += sessions_of(other);
    for (auto& leg : other.legs) {
      leg.session += first;
      const auto same = std::ranges::find(result.legs, leg.name, &Leg::name);
      if (same != result.legs.end()) {
        *same = std::move(leg);
      } else {
        result.legs.push_back(std::move(leg));
      }
    }
    result.notes.insert(result.notes.end(), other.notes.begin(), other.notes.end());
  }
  return result;
}

}  // namespace agent::bench
