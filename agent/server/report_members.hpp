// The members of counts by the names that the record of a day has for them. Constants.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "agent/server/reports.hpp"

namespace agent::server {

using ToolMember = std::pair<std::string_view, std::uint64_t ToolCounts::*>;
inline constexpr std::array<ToolMember, 11> k_tool_members = {
    {{"hits", &ToolCounts::hits},
     {"misses", &ToolCounts::misses},
     {"errors", &ToolCounts::errors},
     {"writes", &ToolCounts::writes},
     {"queries", &ToolCounts::queries},
     {"query_errors", &ToolCounts::query_errors},
     {"degraded", &ToolCounts::degraded},
     {"bytes_read", &ToolCounts::bytes_read},
     {"bytes_written", &ToolCounts::bytes_written},
     {"latency_sum_ms", &ToolCounts::latency_sum_ms},
     {"latency_count", &ToolCounts::latency_count}}};

using TotalMember = std::pair<std::string_view, std::uint64_t SessionTotals::*>;
inline constexpr std::array<TotalMember, 8> k_total_members = {
    {{"count", &SessionTotals::count},
     {"with_errors", &SessionTotals::with_errors},
     {"hits", &SessionTotals::hits},
     {"misses", &SessionTotals::misses},
     {"errors", &SessionTotals::errors},
     {"bytes_read", &SessionTotals::bytes_read},
     {"bytes_written", &SessionTotals::bytes_written},
     {"duration_ms", &SessionTotals::duration_ms}}};

}  // namespace agent::server
