#include "agent/bench/statistic.hpp"

#include <algorithm>
#include <random>

namespace agent::bench {

namespace {

constexpr std::size_t k_fewest_pairs = 3;
constexpr std::size_t k_samples = 4000;
constexpr double k_tail = 0.025;
constexpr unsigned k_seed = 20'260'101;

double middle_of_sorted(std::span<const double> sorted) {
  const auto half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

}  // namespace

std::optional<double> median(std::vector<double> values) {
  if (values.empty()) {
    return std::nullopt;
  }
  std::ranges::sort(values);
  return middle_of_sorted(values);
}

std::optional<Ratio> paired_ratio(std::span<const double> ours, std::span<const double> theirs) {
  const auto pairs = std::min(ours.size(), theirs.size());
  std::vector<double> ratios;
  for (std::size_t i = 0; i < pairs; ++i) {
    if (!(theirs[i] > 0)) {
      return std::nullopt;
    }
    ratios.push_back(ours[i] / theirs[i]);
  }
  const auto middle = median(ratios);
  if (!middle) {
    return std::nullopt;
  }
  Ratio result{.ratio = *middle, .low = {}, .high = {}, .pairs = pairs};
  if (pairs < k_fewest_pairs) {
    return result;
  }
  std::mt19937 random(k_seed);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same interval every time
  std::vector<double> medians;
  std::vector<double> sample(pairs);
  for (std::size_t i = 0; i < k_samples; ++i) {
    // Not uniform_int_distribution, whose sequence differs between standard libraries.
    std::ranges::generate(sample, [&] { return ratios[random() % pairs]; });
    std::ranges::sort(sample);
    medians.push_back(middle_of_sorted(sample));
  }
  std::ranges::sort(medians);
  const auto cut = static_cast<std::size_t>(k_tail * k_samples);
  result.low = medians[cut];
  result.high = medians[k_samples - 1 - cut];
  return result;
}

}  // namespace agent::bench
