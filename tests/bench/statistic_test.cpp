#include "agent/bench/statistic.hpp"

#include <gtest/gtest.h>

#include <array>
#include <utility>

namespace agent::bench {
namespace {

TEST(Median, IsTheMiddleOrTheMeanOfTheTwoInTheMiddle) {
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 2, 3}), 2.5);
  EXPECT_EQ(median({}), std::nullopt);
}

TEST(PairedRatio, ComparesByPosition) {
  constexpr std::array<double, 3> k_ours{2, 8, 9};
  constexpr std::array<double, 3> k_theirs{1, 2, 3};
  const auto ratio = paired_ratio(k_ours, k_theirs);
  ASSERT_TRUE(ratio);
  EXPECT_DOUBLE_EQ(ratio->ratio, 3);  // of 2, 4, 3
  EXPECT_EQ(ratio->pairs, 3);
}

// Of pairs whose ratios are 1 to `count`, in no order.
Ratio ratio_of_first(std::size_t count) {
  std::vector<double> ours;
  for (std::size_t i = 0; i < count; ++i) {
    ours.push_back(i % 2 == 0 ? static_cast<double>(count - i / 2) : static_cast<double>((i / 2) + 1));
  }
  return paired_ratio(ours, std::vector<double>(count, 1.0)).value_or(Ratio{});
}

TEST(PairedRatio, OfFewerThanSixPairsHasTheirRange) {
  for (const std::size_t pairs : {2U, 3U, 4U, 5U}) {
    const auto ratio = ratio_of_first(pairs);
    EXPECT_EQ(ratio.spread, Spread::range) << pairs;
    EXPECT_EQ(ratio.low, 1) << pairs;
    EXPECT_EQ(ratio.high, static_cast<double>(pairs)) << pairs;
  }
}

// The orders of the limits are those of any table of the sign test.
TEST(PairedRatio, HasTheLimitsOfTheSignTestFromSixPairsOn) {
  for (const auto& [pairs, limit] : std::vector<std::pair<std::size_t, double>>{
           {6, 1}, {8, 1}, {9, 2}, {11, 2}, {12, 3}, {20, 6}, {40, 14}, {100, 40}}) {
    const auto ratio = ratio_of_first(pairs);
    EXPECT_EQ(ratio.spread, Spread::interval) << pairs;
    EXPECT_EQ(ratio.low, limit) << pairs;
    EXPECT_EQ(ratio.high, static_cast<double>(pairs) + 1 - limit) << pairs;
  }
}

TEST(PairedRatio, HasAnIntervalOfMorePairsThanTossesCanBeCountedFor) {
  const auto ratio = ratio_of_first(4000);  // 0.5 to the 4000th is no double
  EXPECT_NEAR(ratio.low.value_or(0), 2000 - (1.96 * 31.6), 2);
}

TEST(PairedRatio, OfOnePairHasNoSpread) {
  const auto ratio = ratio_of_first(1);
  EXPECT_EQ(ratio.ratio, 1);
  EXPECT_EQ(ratio.spread, Spread::none);
  EXPECT_EQ(ratio.low, std::nullopt);
}

TEST(UnpairedRatio, IsOfTheMediansAndHasNoSpread) {
  const auto ratio = unpaired_ratio({2, 8, 9, 30}, {1, 2, 3});
  ASSERT_TRUE(ratio);
  EXPECT_DOUBLE_EQ(ratio->ratio, 4.25);
  EXPECT_EQ(ratio->pairs, 0);
  EXPECT_EQ(ratio->spread, Spread::none);
  EXPECT_EQ(ratio->low, std::nullopt);
  EXPECT_EQ(unpaired_ratio({2}, {}), std::nullopt);
  EXPECT_EQ(unpaired_ratio({2}, {0}), std::nullopt);
}

TEST(PairedRatio, IsEmptyWhereThereIsNothingToDivideBy) {
  constexpr std::array<double, 1> k_ours{2};
  constexpr std::array<double, 1> k_zero{0};
  EXPECT_EQ(paired_ratio(k_ours, k_zero), std::nullopt);
  EXPECT_EQ(paired_ratio(k_ours, {}), std::nullopt);
}

}  // namespace
}  // namespace agent::bench
