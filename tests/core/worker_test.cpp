#include "agent/core/worker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <vector>

namespace agent {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

std::chrono::steady_clock::time_point soon() {
  return std::chrono::steady_clock::now() + 30s;
}

TEST(Worker, DoesJobsInTheOrderGiven) {
  Guarded<std::vector<int>> done;
  Worker worker;

  for (int i = 1; i <= 3; ++i) {
    worker.give([&done, i] { done.change([i](auto& list) { list.push_back(i); }); });
  }

  ASSERT_TRUE(done.wait_until({}, soon(), [](const auto& list) { return list.size() == 3; }));
  EXPECT_THAT(done.with([](const auto& list) { return list; }), ElementsAre(1, 2, 3));
}

TEST(Worker, WithTwoThreadsDoesAJobWhileAnotherWaits) {
  Guarded<int> arrived(0);
  Worker worker(2);

  for (int i = 0; i < 2; ++i) {
    worker.give([&] {
      arrived.change([](int& count) { ++count; });
      EXPECT_TRUE(arrived.wait_until({}, soon(), [](int count) { return count >= 2; }));
    });
  }

  EXPECT_TRUE(arrived.wait_until({}, soon(), [](int count) { return count >= 2; }));
  worker.give([&] { arrived.change([](int& count) { ++count; }); });
  EXPECT_TRUE(arrived.wait_until({}, soon(), [](int count) { return count == 3; }));
  EXPECT_EQ(worker.waiting(), 0);
}

TEST(Worker, TakesJobsThatOnlyMove) {
  Guarded<int> result;
  Worker worker;

  worker.give([&result, number = std::make_unique<int>(5)] { result.change([&](int& v) { v = *number; }); });

  EXPECT_TRUE(result.wait_until({}, soon(), [](int v) { return v == 5; }));
}

TEST(Worker, GoesOnAfterAJobThatThrows) {
  Guarded<bool> done(false);
  Worker worker;

  worker.give([] { throw std::runtime_error("thrown by a test"); });
  worker.give([&] { done.change([](bool& value) { value = true; }); });

  EXPECT_TRUE(done.wait_until({}, soon(), [](bool value) { return value; }));
}

TEST(Worker, FinishesTheJobInProgressAndDropsTheRest) {
  constexpr int k_jobs = 2000;
  Guarded<bool> started(false);
  std::atomic<int> begun = 0;
  std::atomic<int> ended = 0;
  {
    Worker worker;
    for (int i = 0; i < k_jobs; ++i) {
      worker.give([&] {
        ++begun;
        started.change([](bool& value) { value = true; });
        std::this_thread::sleep_for(2ms);
        ++ended;
      });
    }
    ASSERT_TRUE(started.wait_until({}, soon(), [](bool value) { return value; }));
  }
  EXPECT_EQ(begun, ended);
  EXPECT_LT(ended, k_jobs);
}

}  // namespace
}  // namespace agent
