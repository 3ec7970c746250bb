// Medians, and ratios of pairs with an interval. Pure functions; safe from any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace agent::bench {

// Empty of nothing.
std::optional<double> median(std::vector<double> values);

// The median of the ratios of pairs that were measured close together, and its 95 % interval: a bootstrap
// over the pairs, with a fixed seed, so that the same figures always give the same interval. Of fewer than
// three pairs the interval says nothing: it is empty.
struct Ratio {
  double ratio = 0;
  std::optional<double> low, high;
  std::size_t pairs = 0;
};

// Pairs by position; where one side is longer, its rest is left out. Empty where there is no pair or a
// denominator is not above 0.
std::optional<Ratio> paired_ratio(std::span<const double> ours, std::span<const double> theirs);

}  // namespace agent::bench
