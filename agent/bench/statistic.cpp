#include "agent/bench/statistic.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace agent::bench {

namespace {

constexpr double k_tail = 0.025;  // may lie beyond each limit

double middle_of_sorted(std::span<const double> sorted) {
  const auto half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

// The limits of the interval of so many pairs: the n-th lowest and the n-th highest, with the largest n for
// which fewer than n heads in as many tosses are at most k_tail likely. 0 where there is none.
std::size_t limits_of(std::size_t tosses) {
  double log_likely = -static_cast<double>(tosses) * std::numbers::ln2;  // of no heads; 0.5^n may underflow
  double tail = 0;
  std::size_t heads = 0;
  while (heads < tosses && tail + std::exp(log_likely) <= k_tail) {
    tail += std::exp(log_likely);
    log_likely += std::log(static_cast<double>(tosses - heads) / static_cast<double>(heads + 1));
    ++heads;
  }
  return heads;
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
  if (ratios.empty()) {
    return std::nullopt;
  }
  std::ranges::sort(ratios);
  Ratio result{.ratio = middle_of_sorted(ratios), .low = {}, .high = {}, .pairs = pairs};
  if (pairs > 1) {
    const auto limits = limits_of(pairs);
    result.spread = limits > 0 ? Spread::interval : Spread::range;
    const auto from_end = std::max<std::size_t>(limits, 1);
    result.low = ratios[from_end - 1];
    result.high = ratios[pairs - from_end];
  }
  return result;
}

std::optional<Ratio> unpaired_ratio(std::vector<double> ours, std::vector<double> theirs) {
  const auto our_middle = median(std::move(ours));
  const auto their_middle = median(std::move(theirs));
  if (!our_middle || !their_middle || !(*their_middle > 0)) {
    return std::nullopt;
  }
  return Ratio{.ratio = *our_middle / *their_middle};
}

}  // namespace agent::bench
