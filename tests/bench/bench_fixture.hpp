// Results as a benchmark of two ways would give them.
#pragma once

#include "agent/bench/results.hpp"

namespace agent::bench {

inline Build build_of(double seconds, std::uint64_t hits, std::uint64_t misses) {
  return {.seconds = seconds, .hits = hits, .misses = misses, .rust_hits = hits, .rust_misses = misses};
}

inline Results some_results() {
  Results results{
      .project = "ripgrep",
      .build = "cargo build",
      .started = "2026-11-21T10:00:00Z",
      .tag = "hearth-bench",
      .run_scoped = false,
      .jobs = 1,
      .cores = 2,
      .memory_bytes = 1 << 30U,
      .legs = {{.name = "local", .how = "sccache on its own disk", .rounds = {}, .asks_backend = false},
               {.name = "proxy", .how = "hearth run --backend disk://…", .rounds = {}}},
      .notes = {}};
  for (const double slower : {1.0, 1.1, 1.2}) {
    results.legs[0].rounds.push_back(
        {.cold = build_of(20 * slower, 0, 33), .warm = build_of(8 * slower, 33, 0)});
    auto warm = build_of(4 * slower, 32, 1);
    warm.http_429 = 0;
    warm.conflicts = 1;
    warm.read_hit_ms = 0.5;
    results.legs[1].rounds.push_back({.cold = build_of(20 * slower, 0, 33), .warm = warm});
  }
  return results;
}

}  // namespace agent::bench
