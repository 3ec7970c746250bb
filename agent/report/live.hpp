// What an agent is doing now, for a terminal: the figures of the last minute as a screen that is drawn again
// and again, or as one line where there is no screen. Pure functions; safe from any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "agent/report/activity.hpp"
#include "agent/report/figures.hpp"

namespace agent::report {

// The figures of one moment.
struct Moment {
  std::chrono::steady_clock::time_point at;
  Figures figures;
};

// Oldest first. The change from one moment to the next is what is drawn.
using Moments = std::deque<Moment>;

// Of a run that has ended, from what was kept of it; rates are then the mean of the whole run.
Moments moments_of(const Figures& figures, const std::vector<TimelinePoint>& timeline);

// Lines, each with its end and none wider than `columns` characters. Without moments it says that it waits.
std::string live_screen(const Moments& moments, std::size_t columns);

// One line, with its end.
std::string live_line(const Moments& moments);

}  // namespace agent::report
