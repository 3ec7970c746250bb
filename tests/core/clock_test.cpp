#include "agent/core/clock.hpp"

#include <gtest/gtest.h>

namespace agent {
namespace {

using namespace std::chrono_literals;

TEST(ManualClock, MovesOnlyWhenToldTo) {
  ManualClock clock;
  const auto steady = clock.now();
  const auto wall = clock.wall();
  EXPECT_EQ(clock.now(), steady);

  clock.advance(1500ms);

  EXPECT_EQ(clock.now() - steady, 1500ms);
  EXPECT_EQ(clock.wall() - wall, 1500ms);
}

TEST(SystemClock, NeverGoesBack) {
  const SystemClock clock;
  const auto before = clock.now();
  EXPECT_GE(clock.now(), before);
}

}  // namespace
}  // namespace agent
