// Which lookups missed, as far as a summary can name them. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "agent/cache/request_log.hpp"
#include "agent/report/figures.hpp"
#include "agent/sccache/key_log.hpp"

namespace agent::app {

inline constexpr std::size_t k_most_top_misses = 20;

// Those that should not have been first (broken, unreachable, gone), then those with a name, then by key. At
// most k_most_top_misses.
std::vector<report::Miss> top_misses(const cache::Requests& requests,
                                     const std::vector<sccache::KeyedCompilation>& compilations);

}  // namespace agent::app
