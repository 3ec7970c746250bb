// What ccache counted in its folder. Values; parsing is pure.
// Source: ccache 4.7.5, counters of `a/stats` and `a/b/stats`, one number per line, in the order of its
// `--print-stats`; looked at running, 2026-11. Guard: tests/agent/ccache_test.py, against the real one.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/core/result.hpp"
#include "agent/io/file.hpp"

namespace agent::folders {

struct CcacheCounts {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
};

// One file of counters. Fewer lines than expected count as zeros. Errors: invalid (a line is no number).
Result<CcacheCounts> parse_ccache_counts(std::string_view text);

// The sum over a folder; files that cannot be read count nothing. Blocks on the disk.
CcacheCounts count_ccache(const io::fs::path& folder);

// Settings of the folder itself, so that nobody need pass them on: what ccache may hold.
Result<void> configure_ccache(const io::fs::path& folder, std::uint64_t budget_bytes);

}  // namespace agent::folders
