// The runs that a store has on record, for commands that look back. Blocks on the disk.
#pragma once

#include <string>
#include <vector>

#include "agent/app/run_record.hpp"
#include "agent/core/result.hpp"

namespace agent::cli {

// Oldest first. Errors: not_found where there is none.
Result<std::vector<app::RunRecord>> recorded_runs(const io::fs::path& store);

// By its id, or counted from the end: 1 is the last run. It points into `runs`. Errors: invalid.
Result<const app::RunRecord*> recorded_run(const std::vector<app::RunRecord>& runs, const std::string& name);

}  // namespace agent::cli
