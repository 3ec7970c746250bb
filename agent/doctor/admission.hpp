// Makes a chart: of the last run that a store has on record, of a running agent, or of this machine as it is.
// Blocks on the disk, on the agent, or on sccache's client for a few seconds at most; changes nothing and
// starts no server.
#pragma once

#include <optional>

#include "agent/core/result.hpp"
#include "agent/doctor/chart.hpp"

namespace agent::doctor {

// Of the last record in `runs` (app::k_runs_folder of a store), with the one before it that it can be
// compared to; the project's files are read where they are still there. `folder` as with last_runs. Errors:
// not_found (no record); what is wrong with the newest where none can be read.
Result<Chart> chart_of_run(const io::fs::path& runs, const io::fs::path& folder = {});

// Of the record with this id: others may have begun since. Errors: not_found.
Result<Chart> chart_of_run_named(const io::fs::path& runs, std::string_view id);

// Of figures that an agent gave, and the files in `folder`.
Chart chart_of_figures(report::Figures figures, const io::fs::path& folder,
                       const io::Environment& environment);

// Whether a run's figures ask for an explanation: hits below the limit, or a project of which nothing reached
// sccache. `min_hit_rate` is in percent; 0 never asks.
bool is_called_for(const report::Figures& figures, double min_hit_rate, const io::fs::path& folder);

struct LiveOptions {
  io::fs::path folder;          // the project
  io::Environment environment;  // as the build would get it
  io::fs::path statistics;      // sccache's statistics as JSON; empty: sccache is asked
  io::fs::path log;             // its server's log; empty: SCCACHE_ERROR_LOG names it
};

// Of this machine. Errors: invalid, not_found for files that were named and cannot be read.
Result<Chart> chart_of_machine(const LiveOptions& options);

struct LastRuns {
  app::RunRecord last;
  std::optional<app::RunRecord> previous;
};

// The last run on record in `runs`, and the newest before it that it can be compared to: of the same tag, or
// in the same folder, and with compilations. Where `folder` is not empty, the last one of that folder; where
// it has none, of its Git checkout. Errors: as chart_of_run.
Result<LastRuns> last_runs(const io::fs::path& runs, const io::fs::path& folder = {});

}  // namespace agent::doctor
