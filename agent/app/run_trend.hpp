// The runs of a tag: this one as its history keeps it, and earlier ones as a summary shows them. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "agent/publish/run_history.hpp"
#include "agent/report/figures.hpp"

namespace agent::app {

// Empty where nothing was compiled, or nobody counted.
std::optional<publish::PastRun> past_run(const report::Figures& figures, std::string run,
                                         std::chrono::system_clock::time_point ended);

// The jobs of one run together.
std::vector<report::EarlierRun> earlier_runs(const publish::RunHistory& history);

}  // namespace agent::app
