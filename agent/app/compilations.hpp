// sccache's own figures as part of the report. Pure.
#pragma once

#include "agent/app/sccache_mode.hpp"
#include "agent/report/figures.hpp"
#include "agent/sccache/server.hpp"
#include "agent/sccache/statistics.hpp"

namespace agent::app {

// Compilations, as sccache counts them.
void add_compilations(report::Figures& figures, const sccache::Statistics& statistics);

// Restarts and fallbacks, as the launcher wrote them down; says that sccache was used.
void add_launcher_events(report::Figures& figures, const sccache::LauncherEvents& events, SccacheMode mode);

}  // namespace agent::app
