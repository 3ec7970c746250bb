// The runs that a store has on record, for commands that look back. Blocks on the disk.
#pragma once

#include <string>
#include <vector>

#include "agent/app/run_record.hpp"
#include "agent/core/result.hpp"

namespace agent::cli {

// Oldest first. Errors: not_found where there is none.
Result<std::vector<app::RunRecord>> recorded_runs(const io::fs::path& store);

// By its id, or counted from the end: 1 is the last run. Errors: invalid; not_found where there is none.
Result<app::RunRecord> recorded_run(const io::fs::path& store, const std::string& name);

}  // namespace agent::cli
