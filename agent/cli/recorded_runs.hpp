// The runs that a store has on record, for commands that look back. Blocks on the disk.
#pragma once

#include <string>
#include <vector>

#include "agent/app/run_record.hpp"
#include "agent/core/result.hpp"

namespace agent::cli {

// Newer records that cannot be read are named on standard error, since others are taken in their place.
void warn_of_unreadable_runs(const io::fs::path& store, const app::RunRecord& newest);

// Oldest first. Errors: not_found where there is none; what is wrong with the newest where none can be read.
Result<std::vector<app::RunRecord>> recorded_runs(const io::fs::path& store);

// By its id, or counted from the end: 1 is the last run. Errors: invalid; else as recorded_runs.
Result<app::RunRecord> recorded_run(const io::fs::path& store, const std::string& name);

}  // namespace agent::cli
