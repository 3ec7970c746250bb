#include "agent/bench/statistic.hpp"

#include <gtest/gtest.h>

#include <array>

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
  ASSERT_TRUE(ratio->low && ratio->high);
  EXPECT_DOUBLE_EQ(*ratio->low, 2);
  EXPECT_DOUBLE_EQ(*ratio->high, 4);
}

TEST(PairedRatio, OfManyAlikeHasANarrowInterval) {
  const std::vector<double> ours(40, 3.0);
  const std::vector<double> theirs(40, 2.0);
  const auto ratio = paired_ratio(ours, theirs);
  ASSERT_TRUE(ratio);
  EXPECT_DOUBLE_EQ(*ratio->low, 1.5);
  EXPECT_DOUBLE_EQ(*ratio->high, 1.5);
}

TEST(PairedRatio, GivesNoIntervalOfTwoPairs) {
  constexpr std::array<double, 2> k_ours{2, 2};
  constexpr std::array<double, 2> k_theirs{1, 2};
  const auto ratio = paired_ratio(k_ours, k_theirs);
  ASSERT_TRUE(ratio);
  EXPECT_DOUBLE_EQ(ratio->ratio, 1.5);
  EXPECT_EQ(ratio->low, std::nullopt);
}

TEST(PairedRatio, IsEmptyWhereThereIsNothingToDivideBy) {
  constexpr std::array<double, 1> k_ours{2};
  constexpr std::array<double, 1> k_zero{0};
  EXPECT_EQ(paired_ratio(k_ours, k_zero), std::nullopt);
  EXPECT_EQ(paired_ratio(k_ours, {}), std::nullopt);
}

}  // namespace
}  // namespace agent::bench
