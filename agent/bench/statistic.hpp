// Medians, and ratios of pairs with what they spread over. Pure functions; safe from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace agent::bench {

// Empty of nothing.
std::optional<double> median(std::vector<double> values);

// What the limits beside a ratio are.
enum class Spread : std::uint8_t {
  none,      // a single pair, or no pairs at all
  range,     // the lowest and the highest pair: too few to say more
  interval,  // holds the true median with at least 95 %
};

// The median of the ratios of pairs that were measured close together. Each of them is as likely below the
// true median as above it, whatever their distribution: that says which two of them are the interval's
// limits. Of five, even the lowest and the highest hold it with 94 % only.
struct Ratio {
  double ratio = 0;
  std::optional<double> low, high;  // empty without a spread
  std::size_t pairs = 0;            // 0: of the medians, of what was not measured together
  Spread spread = Spread::none;
};

// Pairs by position; where one side is longer, its rest is left out. Empty where there is no pair or a
// denominator is not above 0.
std::optional<Ratio> paired_ratio(std::span<const double> ours, std::span<const double> theirs);

// Of the medians. Empty where one side has none or the denominator is not above 0.
std::optional<Ratio> unpaired_ratio(std::vector<double> ours, std::vector<double> theirs);

}  // namespace agent::bench
