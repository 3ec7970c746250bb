// The figures of sccache and ccache as part of the report. Pure.
#pragma once

#include <optional>

#include "agent/app/sccache_mode.hpp"
#include "agent/folders/ccache_counts.hpp"
#include "agent/report/figures.hpp"
#include "agent/sccache/server.hpp"
#include "agent/sccache/statistics.hpp"

namespace agent::app {

// Compilations, as sccache counts them.
void add_compilations(report::Figures& figures, const sccache::Statistics& statistics);

// ccache's hits and misses, beside sccache's: a row of their own, and part of the whole. Only after
// add_compilations.
void add_ccache(report::Figures& figures, const folders::CcacheCounts& counts);

// Restarts and fallbacks, as the launcher wrote them down; says that sccache was used.
void add_launcher_events(report::Figures& figures, const sccache::LauncherEvents& events, SccacheMode mode);

// What a server that died counted after its last snapshot went with it: what the agent answered and stored
// beyond what the servers told is added as a row of its own: hits by lookups, misses by stores, which sccache
// awaits before a compilation is done. A hit whose answer was cut off is counted twice, here and as a
// fallback. Only of a run whose sccache has ended, and not in disk mode, where sccache asks its own folder.
// `stops`: servers that were ended on purpose, whose last figures nobody took either.
void add_recovered(report::Figures& figures, const std::optional<sccache::Statistics>& told,
                   std::uint64_t stops);

}  // namespace agent::app
