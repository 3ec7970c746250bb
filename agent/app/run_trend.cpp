#include "agent/app/run_trend.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "agent/io/random.hpp"

namespace agent::app {

namespace {

constexpr double k_milliseconds = 1000;

std::uint32_t bounded(std::uint64_t count) {
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(count, std::numeric_limits<std::uint32_t>::max()));
}

std::uint64_t in_milliseconds(double seconds) {
  constexpr double k_year = 365.0 * 24 * 60 * 60;
  return static_cast<std::uint64_t>(std::clamp(seconds, 0.0, k_year) * k_milliseconds);
}

void add_job(report::EarlierRun& run, const publish::PastRun& job) {
  constexpr auto k_latest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  run.ended_ms = std::max(run.ended_ms, std::min(job.ended_ms, k_latest));
  run.hits += job.hits;
  run.misses += job.misses;
  if (job.took_ms > 0) {
    run.seconds = std::max(run.seconds.value_or(0), static_cast<double>(job.took_ms) / k_milliseconds);
  }
  if (job.saved_ms) {
    run.saved_seconds = run.saved_seconds.value_or(0) + (static_cast<double>(*job.saved_ms) / k_milliseconds);
  }
}

}  // namespace

std::optional<publish::PastRun> past_run(const report::Figures& figures, std::string run,
                                         std::chrono::system_clock::time_point ended) {
  const auto hits = figures.hits.value_or(0);
  const auto misses = figures.misses.value_or(0);
  if (hits == 0 && misses == 0) {
    return std::nullopt;
  }
  publish::PastRun past{.job = io::random_number(),
                        .ended_ms = milliseconds_of(ended),
                        .took_ms = in_milliseconds(figures.seconds.value_or(0)),
                        .hits = bounded(hits),
                        .misses = bounded(misses),
                        .run = std::move(run)};
  if (figures.saved_seconds_estimate) {
    past.saved_ms = in_milliseconds(*figures.saved_seconds_estimate);
  }
  return past;
}

std::vector<report::EarlierRun> earlier_runs(const publish::RunHistory& history) {
  std::vector<report::EarlierRun> runs;
  for (const auto& job : history) {
    const auto known =
        job.run.empty() ? runs.end() : std::ranges::find(runs, job.run, &report::EarlierRun::run);
    if (known == runs.end()) {
      add_job(runs.emplace_back(report::EarlierRun{.run = job.run}), job);
    } else {
      add_job(*known, job);
    }
  }
  std::ranges::stable_sort(runs, {}, &report::EarlierRun::ended_ms);
  return runs;
}

}  // namespace agent::app
