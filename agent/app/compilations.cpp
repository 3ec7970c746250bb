#include "agent/app/compilations.hpp"

#include "agent/report/amounts.hpp"

namespace agent::app {

void add_compilations(report::Figures& figures, const sccache::Statistics& statistics) {
  figures.hits = statistics.hits();
  figures.misses = statistics.misses();
  figures.errors = statistics.errors();
  figures.compile_requests = statistics.compile_requests;
  figures.hit_rate = report::hit_rate_of(*figures.hits, *figures.misses);
  for (const auto& [name, counts] : statistics.languages) {
    figures.languages[name] = {.hits = counts.hits, .misses = counts.misses};
  }
  figures.non_cacheable = statistics.not_cached;
  figures.saved_seconds_estimate = statistics.saved_seconds_estimate();
  figures.sccache_read_hit_ms = statistics.read_hit_ms();
}

void add_ccache(report::Figures& figures, const folders::CcacheCounts& counts) {
  if (counts.hits + counts.misses == 0) {
    return;
  }
  figures.languages["C/C++ (ccache)"] = {.hits = counts.hits, .misses = counts.misses};
  figures.hits = figures.hits.value_or(0) + counts.hits;
  figures.misses = figures.misses.value_or(0) + counts.misses;
  figures.hit_rate = report::hit_rate_of(*figures.hits, *figures.misses);
}

void add_launcher_events(report::Figures& figures, const sccache::LauncherEvents& events, SccacheMode mode) {
  figures.sccache_mode = name_of(mode);
  figures.restarts = events.restarts;
  figures.fallbacks = events.fallbacks;
}

}  // namespace agent::app
