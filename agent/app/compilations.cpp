#include "agent/app/compilations.hpp"

#include "agent/report/amounts.hpp"
#include "agent/report/headline.hpp"

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

void add_recovered(report::Figures& figures, const std::optional<sccache::Statistics>& told,
                   std::uint64_t stops) {
  std::uint64_t cut_off = 0;
  for (const auto* reason : {"connection-lost", "server-hung", "bad-reply"}) {
    const auto found = figures.fallbacks.find(reason);
    cut_off += found == figures.fallbacks.end() ? 0 : found->second;
  }
  if (figures.restarts.value_or(0) + stops + cut_off == 0 || !figures.lookups_hit || !figures.stores) {
    return;
  }
  const auto beyond = [](std::uint64_t seen, std::uint64_t known) { return seen > known ? seen - known : 0; };
  // Not lookups that missed: those of compilations that were cut off are among them, and these are fallbacks.
  const report::Language lost{.hits = beyond(*figures.lookups_hit, told ? told->hits() : 0),
                              .misses = beyond(*figures.stores, told ? told->writes : 0)};
  figures.languages[std::string(report::k_counted_by_the_agent)] = lost;
  figures.hits = figures.hits.value_or(0) + lost.hits;
  figures.misses = figures.misses.value_or(0) + lost.misses;
  figures.hit_rate = report::hit_rate_of(*figures.hits, *figures.misses);
}

}  // namespace agent::app
