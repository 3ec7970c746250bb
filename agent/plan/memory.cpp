#include "agent/plan/memory.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace agent::plan {

std::vector<Stretch> stretches_of(std::span<const std::uint64_t> samples) {
  constexpr std::size_t k_most = 20;
  constexpr std::size_t k_fewest_samples = 10;  // of a stretch: fewer say little of a mean
  const auto count = std::clamp<std::size_t>(samples.size() / k_fewest_samples, 1, k_most);
  std::vector<Stretch> stretches;
  for (std::size_t i = 0; i < count && !samples.empty(); ++i) {
    const auto begin = i * samples.size() / count;
    const auto end = (i + 1) * samples.size() / count;
    const auto part = samples.subspan(begin, end - begin);
    const auto sum = std::accumulate(part.begin(), part.end(), 0.0);
    stretches.push_back({.mean_bytes = sum / static_cast<double>(part.size()),
                         .peak_bytes = static_cast<double>(std::ranges::max(part))});
  }
  return stretches;
}

std::uint64_t expected_bytes(std::span<const Stretch> stretches, std::uint64_t jobs) {
  const auto count = static_cast<double>(jobs);
  double most = 0;
  for (const auto& stretch : stretches) {
    const auto above = stretch.peak_bytes - stretch.mean_bytes;
    most = std::max(most, (count * stretch.mean_bytes) + (std::sqrt(count) * above));
  }
  constexpr double k_beyond = 0x1p64;
  return most < k_beyond ? static_cast<std::uint64_t>(most) : std::numeric_limits<std::uint64_t>::max();
}

}  // namespace agent::plan
