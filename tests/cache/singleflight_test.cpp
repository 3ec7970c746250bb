#include "agent/cache/singleflight.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace agent::cache {
namespace {

TEST(Singleflight, LetsOneAtATimeFlyWithAKey) {
  Singleflight flights;
  std::atomic<int> in_flight = 0;
  std::atomic<int> most = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (int k = 0; k < 100; ++k) {
          const auto ticket = flights.join("key");
          const int now = ++in_flight;
          int seen = most;
          while (seen < now && !most.compare_exchange_weak(seen, now)) {
          }
          --in_flight;
        }
      });
    }
  }
  EXPECT_EQ(most, 1);
}

TEST(Singleflight, LetsDifferentKeysFlyTogether) {
  Singleflight flights;
  const auto first = flights.join("a");
  const auto second = flights.join("b");  // would not return otherwise
}

TEST(Singleflight, WakesTheOneWhoWaits) {
  Singleflight flights;
  std::jthread waiter;
  std::atomic<bool> flew = false;
  {
    const auto held = flights.join("key");
    waiter = std::jthread([&] {
      const auto own = flights.join("key");
      flew = true;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_FALSE(flew);
  }
  waiter.join();
  EXPECT_TRUE(flew);
}

}  // namespace
}  // namespace agent::cache
