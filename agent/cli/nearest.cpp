#include "agent/cli/nearest.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace agent::cli {

namespace {

constexpr std::size_t k_most_changes = 2;

// Levenshtein's, row by row.
std::size_t changes_between(std::string_view one, std::string_view other) {
  std::vector<std::size_t> row(other.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < one.size(); ++i) {
    auto diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < other.size(); ++j) {
      const auto changed = diagonal + (one[i] == other[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::optional<std::string> best;
  auto fewest = std::min(k_most_changes, word.size() / 2) + 1;  // half of another word is another word
  for (const auto& candidate : candidates) {
    if (const auto changes = changes_between(word, candidate); changes < fewest) {
      fewest = changes;
      best = candidate;
    }
  }
  return best;
}

}  // namespace agent::cli
