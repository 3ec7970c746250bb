#include "agent/folders/ccache_counts.hpp"

#include <algorithm>
#include <string>
#include <system_error>

#include "agent/core/text.hpp"

namespace agent::folders {

namespace {

constexpr std::size_t k_miss_line = 4;
constexpr std::size_t k_preprocessed_hit_line = 8;
constexpr std::size_t k_direct_hit_line = 22;
constexpr std::size_t k_most_lines = 1000;
constexpr std::uint64_t k_max_bytes = std::uint64_t{64} * 1024;
constexpr int k_deepest = 2;
constexpr std::uint64_t k_kibibyte = 1024;

}  // namespace

Result<CcacheCounts> parse_ccache_counts(std::string_view text) {
  const auto lines = split(text, '\n');
  if (lines.size() > k_most_lines) {
    return fail(Errc::invalid, "ccache's counters have {} lines; at most {} are read", lines.size(),
                k_most_lines);
  }
  CcacheCounts counts;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i != k_miss_line && i != k_preprocessed_hit_line && i != k_direct_hit_line) {
      continue;
    }
    AGENT_TRY(const auto number, parse_number(lines[i].empty() ? "0" : lines[i], "a counter of ccache's"));
    (i == k_miss_line ? counts.misses : counts.hits) += number;
  }
  return counts;
}

CcacheCounts count_ccache(const io::fs::path& folder) {
  CcacheCounts sum;
  std::error_code error;
  auto at =
      io::fs::recursive_directory_iterator(folder, io::fs::directory_options::skip_permission_denied, error);
  for (; !error && at != io::fs::end(at); at.increment(error)) {
    if (at.depth() >= k_deepest) {
      at.disable_recursion_pending();
    }
    if (at->path().filename() != "stats") {
      continue;
    }
    const auto text = io::read_file(at->path(), k_max_bytes);
    const auto counts = text ? parse_ccache_counts(*text) : std::unexpected(text.error());
    if (counts) {
      sum.hits += counts->hits;
      sum.misses += counts->misses;
    }
  }
  return sum;
}

Result<void> configure_ccache(const io::fs::path& folder, std::uint64_t budget_bytes) {
  return io::write_file(
      folder / "ccache.conf",
      fmt::format("max_size = {}Ki\n", std::max<std::uint64_t>(1, budget_bytes / k_kibibyte)));
}

}  // namespace agent::folders
