// The figures of a run for a terminal: what `hearth run` prints at the end. Plain text, one fact a line, no
// colours; safe to print whatever outside names it quotes. Pure function; safe from any thread.
#pragma once

#include <string>

#include "agent/report/figures.hpp"
#include "agent/report/headline.hpp"

namespace agent::report {

// Lines, each with its end.
std::string text(const Figures& figures, Ending ending = Ending::drained);

}  // namespace agent::report
