// The job summary: plain words first, a table that fits a phone, the rest folded. Under 64 KiB whatever the
// figures hold; everything that came from outside is escaped. Pure function; safe from any thread.
// Source: GitHub docs, "Adding a job summary": GitHub Flavored Markdown, at most 1 MiB a step; read 2026-11.
#pragma once

#include <cstddef>
#include <string>

#include "agent/report/figures.hpp"
#include "agent/report/headline.hpp"

namespace agent::report {

inline constexpr std::size_t k_summary_limit_bytes = std::size_t{64} * 1024;

std::string markdown(const Figures& figures, Ending ending = Ending::drained);

}  // namespace agent::report
