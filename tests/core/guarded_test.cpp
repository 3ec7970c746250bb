#include "agent/core/guarded.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

namespace agent {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto k_long = 30s;  // a test that waits this long has failed

TEST(Guarded, LetsOneThreadAtATimeIn) {
  Guarded<int> sum;
  {
    std::vector<std::jthread> threads;
    threads.reserve(8);
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (int k = 0; k < 1000; ++k) {
          sum.with([](int& value) { ++value; });
        }
      });
    }
  }
  EXPECT_EQ(sum.with([](int value) { return value; }), 8000);
}

TEST(Guarded, HoldsValuesThatOnlyMove) {
  Guarded<std::unique_ptr<int>> box(std::make_unique<int>(7));
  const auto taken = box.with([](auto& pointer) { return std::move(pointer); });
  EXPECT_EQ(*taken, 7);
}

TEST(GuardedWaitUntil, ReturnsAtOnceWhenReady) {
  Guarded<int> value(3);
  EXPECT_TRUE(value.wait_until({}, steady_clock::now() - 1s, [](int v) { return v == 3; }));
}

TEST(GuardedWaitUntil, WakesWhenTheValueChanges) {
  Guarded<int> value(0);
  std::jthread changer([&] { value.change([](int& v) { v = 1; }); });

  EXPECT_TRUE(value.wait_until({}, steady_clock::now() + k_long, [](int v) { return v == 1; }));
}

TEST(GuardedWaitUntil, EachChangeForOneWakesOneMore) {
  constexpr int k_waiters = 4;
  Guarded<int> tokens(0);
  std::atomic<int> taken = 0;
  std::vector<std::jthread> waiters;
  waiters.reserve(k_waiters);
  for (int i = 0; i < k_waiters; ++i) {
    waiters.emplace_back([&] {
      bool mine = false;
      while (!mine &&
             tokens.wait_until({}, steady_clock::now() + k_long, [](int left) { return left > 0; })) {
        mine = tokens.with([](int& left) {
          const bool one = left > 0;
          left -= one ? 1 : 0;
          return one;
        });
      }
      taken += mine ? 1 : 0;
    });
  }
  for (int i = 0; i < k_waiters; ++i) {
    tokens.change_for_one([](int& left) { ++left; });
  }
  waiters.clear();  // joins

  EXPECT_EQ(taken, k_waiters);
}

TEST(GuardedWaitUntil, GivesUpAtTheDeadline) {
  Guarded<int> value(0);
  const auto deadline = steady_clock::now() + 20ms;

  EXPECT_FALSE(value.wait_until({}, deadline, [](int v) { return v == 1; }));
  EXPECT_GE(steady_clock::now(), deadline);
}

TEST(GuardedWaitUntil, GivesUpWhenAskedToStop) {
  Guarded<int> value(0);
  std::stop_source source;
  std::jthread stopper([&] { source.request_stop(); });
  const auto start = steady_clock::now();

  EXPECT_FALSE(value.wait_until(source.get_token(), start + k_long, [](int v) { return v == 1; }));
  EXPECT_LT(steady_clock::now() - start, k_long);
}

}  // namespace
}  // namespace agent
