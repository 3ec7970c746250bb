#include "agent/plan/memory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace agent::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Stretches, AreMeanAndPeakOfEquallyManySamples) {
  std::vector<std::uint64_t> samples(10, 100);
  samples.insert(samples.end(), 9, 300);
  samples.push_back(1300);

  EXPECT_THAT(stretches_of(samples), ElementsAre(Stretch{.mean_bytes = 100, .peak_bytes = 100},
                                                 Stretch{.mean_bytes = 400, .peak_bytes = 1300}));
}

TEST(Stretches, OfAShortBuildAreOne) {
  EXPECT_THAT(stretches_of(std::vector<std::uint64_t>{5}), SizeIs(1));
  EXPECT_THAT(stretches_of({}), IsEmpty());
  EXPECT_THAT(stretches_of(std::vector<std::uint64_t>(5000, 1)), SizeIs(20));
}

TEST(ExpectedBytes, AreThePeakForOneAndNearTheMeansForMany) {
  const std::vector<Stretch> stretches = {{.mean_bytes = 100, .peak_bytes = 100},
                                          {.mean_bytes = 400, .peak_bytes = 1300}};

  EXPECT_EQ(expected_bytes(stretches, 1), 1300U);
  EXPECT_EQ(expected_bytes(stretches, 4), (4U * 400U) + (2U * 900U));
  EXPECT_EQ(expected_bytes(stretches, 100), (100U * 400U) + (10U * 900U));
  EXPECT_EQ(expected_bytes({}, 3), 0U);
}

TEST(ExpectedBytes, TakeTheStretchThatIsLargestForSoMany) {
  // A short spike decides for one build, the long plateau for many.
  const std::vector<Stretch> stretches = {{.mean_bytes = 100, .peak_bytes = 1000},
                                          {.mean_bytes = 600, .peak_bytes = 600}};

  EXPECT_EQ(expected_bytes(stretches, 1), 1000U);
  EXPECT_EQ(expected_bytes(stretches, 9), 9U * 600U);
}

TEST(ExpectedBytes, AreTheLargestNumberWhereTheyAreMore) {
  const std::vector<Stretch> stretches = {{.mean_bytes = 0x1p40, .peak_bytes = 0x1p40}};

  EXPECT_EQ(expected_bytes(stretches, 1U << 24U), std::numeric_limits<std::uint64_t>::max());
}

}  // namespace
}  // namespace agent::plan
