// Records of runs that are there and cannot be read, which RecordedRuns passes over: what somebody is told
// who would otherwise hear that there is none, or be shown an older one as the last. Values; blocks on the
// disk.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/io/file.hpp"

namespace agent::app {

// Why, each with its path, the newest first; of those newer than the run `id`, or of all where it is empty.
// The folder itself is one where it cannot be listed.
std::vector<Error> unreadable_runs(const io::fs::path& folder, std::string_view id = {});

// What a caller answers who needs a run and got none: the first of them, else no_run_in.
std::unexpected<Error> why_no_run(const io::fs::path& folder);

}  // namespace agent::app
