#include "agent/app/compilations.hpp"

namespace agent::app {

void add_compilations(report::Figures& figures, const sccache::Statistics& statistics) {
  figures.hits = statistics.hits();
  figures.misses = statistics.misses();
  figures.errors = statistics.errors();
  figures.compile_requests = statistics.compile_requests;
  const auto looked_up = statistics.hits() + statistics.misses();
  if (looked_up > 0) {
    constexpr double k_percent = 100;
    figures.hit_rate = k_percent * static_cast<double>(statistics.hits()) / static_cast<double>(looked_up);
  }
  for (const auto& [name, counts] : statistics.languages) {
    figures.languages[name] = {.hits = counts.hits, .misses = counts.misses};
  }
  figures.non_cacheable = statistics.not_cached;
  figures.saved_seconds_estimate = statistics.saved_seconds_estimate();
  figures.sccache_read_hit_ms = statistics.read_hit_ms();
}

void add_launcher_events(report::Figures& figures, const sccache::LauncherEvents& events, SccacheMode mode) {
  figures.sccache_mode = name_of(mode);
  figures.restarts = events.restarts;
  figures.fallbacks = events.fallbacks;
}

}  // namespace agent::app
