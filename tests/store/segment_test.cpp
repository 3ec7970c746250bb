#include "agent/store/segment.hpp"

#include <gtest/gtest.h>

namespace agent::store {
namespace {

constexpr std::uint64_t k_far = std::uint64_t{1} << 40U;

TEST(PageUsers, APageGoesWhenItsLastUserGoes) {
  PageUsers pages;
  pages.add(0, 6000);
  pages.add(6000, 20'000);

  pages.remove(0, 6000);
  const auto first = pages.take_unused(0, 6000, k_far);
  pages.remove(6000, 20'000);
  const auto second = pages.take_unused(6000, 20'000, k_far);

  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].offset, 0U);
  EXPECT_EQ(first[0].size, 4096U);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].offset, 4096U);
  EXPECT_EQ(second[0].size, 4U * 4096);
}

TEST(PageUsers, NoPageGoesTwiceOrBehindTheLimit) {
  PageUsers pages;
  pages.add(0, 10'000);
  pages.remove(0, 10'000);

  const auto limited = pages.take_unused(0, 10'000, 8191);
  const auto rest = pages.take_unused(0, 10'000, k_far);

  ASSERT_EQ(limited.size(), 1U);
  EXPECT_EQ(limited[0].size, 4096U);
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].offset, 4096U);
  EXPECT_EQ(rest[0].size, 8192U);
}

TEST(PageUsers, ACountAtItsLimitKeepsThePage) {
  PageUsers pages;
  for (int i = 0; i < 300; ++i) {
    pages.add(0, 10);
  }
  for (int i = 0; i < 300; ++i) {
    pages.remove(0, 10);
  }

  EXPECT_TRUE(pages.take_unused(0, 10, k_far).empty());
}

TEST(PageUsers, RemovingWhatWasNeverAddedDoesNothing) {
  PageUsers pages;
  pages.add(0, 10);

  pages.remove(4096, k_far);
  pages.cut(0);
  pages.remove(0, 10);

  EXPECT_TRUE(pages.take_unused(0, k_far, k_far).empty());
}

TEST(PageUsers, AnEmptyRangeTouchesNoPage) {
  PageUsers pages;
  pages.add(0, 5000);

  pages.remove(5000, 5000);
  pages.add(4999, 4999);
  pages.remove(0, 4096);

  const auto holes = pages.take_unused(0, 5000, k_far);
  ASSERT_EQ(holes.size(), 1U);
  EXPECT_EQ(holes[0].offset, 0U);
  EXPECT_EQ(holes[0].size, 4096U);
}

TEST(SegmentName, IsReadBackAndNothingElseIs) {
  EXPECT_EQ(segment_name(12), "0000000012.seg");
  EXPECT_EQ(segment_number("0000000012.seg"), 12U);
  EXPECT_EQ(segment_number(segment_name(12'345'678'901)), 12'345'678'901U);
  for (const auto* name : {"", ".seg", "12.seg", "0000000000.seg", "0000000012", "0000000012.seg~",
                           "-000000012.seg", "000000001x.seg", "99999999999999999999999.seg"}) {
    EXPECT_EQ(segment_number(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace agent::store
