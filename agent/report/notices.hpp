// The figures of a run as annotations of the workflow: one `::notice::` with the figures, a `::warning::` for
// each thing that went wrong. Pure function; safe from any thread.
#pragma once

#include <string>
#include <vector>

#include "agent/report/figures.hpp"
#include "agent/report/headline.hpp"

namespace agent::report {

// Lines without their ends, to be printed on standard output of the action. At most six: the runner shows
// ten annotations of a kind per step, and others may want some.
std::vector<std::string> notices(const Figures& figures, Ending ending = Ending::drained);

}  // namespace agent::report
