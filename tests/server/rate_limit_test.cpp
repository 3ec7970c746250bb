#include "agent/server/rate_limit.hpp"

#include <gtest/gtest.h>

namespace agent::server {
namespace {

using namespace std::chrono_literals;

TEST(RateLimit, AllowsTwiceTheRateAtOnceAndTheRateFromThenOn) {
  ManualClock clock;
  RateLimit limit(10, clock);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(limit.take("a"), std::nullopt) << i;
  }

  EXPECT_EQ(limit.take("a"), 100ms);
  clock.advance(100ms);
  EXPECT_EQ(limit.take("a"), std::nullopt);
  EXPECT_NE(limit.take("a"), std::nullopt);
}

TEST(RateLimit, IsOfEachTokenByItself) {
  ManualClock clock;
  RateLimit limit(1, clock);
  limit.take("a");
  limit.take("a");

  EXPECT_NE(limit.take("a"), std::nullopt);
  EXPECT_EQ(limit.take("b"), std::nullopt);
}

TEST(RateLimit, OfZeroIsNone) {
  ManualClock clock;
  RateLimit limit(0, clock);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(limit.take("a"), std::nullopt);
  }
}

}  // namespace
}  // namespace agent::server
