#include "agent/publish/flush_queue.hpp"

#include <gtest/gtest.h>

namespace agent::publish {
namespace {

using namespace std::chrono_literals;

const Steady k_start{1000s};

FlushQueue with_pending(int count) {
  FlushQueue queue;
  for (int i = 0; i < count; ++i) {
    queue.pending.add(
        std::to_string(i),
        {.slice = {.fd = -1, .offset = 0, .size = 1, .pin = nullptr}, .digest = {}, .crc32c = 0}, k_start);
  }
  return queue;
}

TEST(FlushQueue, ItsOldestIsInFlightOrPending) {
  auto queue = with_pending(3);
  EXPECT_EQ(queue.oldest(), 0U);
  const auto taken = queue.pending.take({.objects = 2, .bytes = 100});
  EXPECT_EQ(queue.oldest(), 2U);
  queue.in_flight = taken.size();
  queue.first_in_flight = taken.front().number;

  EXPECT_EQ(queue.oldest(), 0U);
}

TEST(FlushQueue, StopsAtWhatRetryingCannotHelp) {
  FlushQueue queue;

  queue.failed({.code = Errc::transient, .message = "503"}, k_start);
  EXPECT_FALSE(queue.stopped);
  queue.failed({.code = Errc::denied, .message = "403"}, k_start);
  EXPECT_TRUE(queue.stopped);
  EXPECT_EQ(queue.last_error, "denied: 403");
}

TEST(FlushQueue, ReadsAgainWhatMayHaveBeenSpoiltOnItsWay) {
  FlushQueue queue;
  const Error corrupt{.code = Errc::corrupt, .message = "pointer"};

  queue.failed(corrupt, k_start);
  queue.failed(corrupt, k_start);
  EXPECT_FALSE(queue.stopped);
  queue.failed(corrupt, k_start);

  EXPECT_TRUE(queue.stopped);
}

TEST(FlushQueue, SuccessEndsWaiting) {
  FlushQueue queue;
  queue.failed({.code = Errc::transient, .message = "429", .retry_after = 1min}, k_start);
  EXPECT_TRUE(queue.told_to_wait);

  queue.succeeded();

  EXPECT_FALSE(queue.told_to_wait);
  EXPECT_EQ(queue.not_before, Steady{});
  EXPECT_EQ(queue.failures, 0U);
  EXPECT_EQ(queue.last_error, "");
}

TEST(FlushQueue, SaysWhatItIsAt) {
  FlushQueue queue;
  EXPECT_EQ(queue.now(), Publishing::nothing);
  queue = with_pending(2);
  EXPECT_EQ(queue.now(), Publishing::waiting);
  queue.failed({.code = Errc::transient, .message = "503"}, k_start);
  EXPECT_EQ(queue.now(), Publishing::failing);
  queue.in_flight = 1;
  EXPECT_EQ(queue.now(), Publishing::flushing);
  queue.failed({.code = Errc::denied, .message = "403"}, k_start);
  EXPECT_EQ(queue.now(), Publishing::stopped);
  EXPECT_EQ(name_of(queue.now()), "stopped");
}

TEST(FlushPlan, IsForNothingWhereNothingIsPendingOrPublishingHasStopped) {
  EXPECT_FALSE(plan_flush({}, FlushQueue(), {}).due);
  auto stopped = with_pending(1);
  stopped.stopped = Error{.code = Errc::denied, .message = "403"};

  EXPECT_FALSE(plan_flush({}, stopped, {}).due);
}

TEST(FlushPlan, WaitsForTheLatestOfScheduleBackoffAndBudget) {
  auto queue = with_pending(1);
  EXPECT_EQ(plan_flush({}, queue, {}).due, k_start + 2s);
  EXPECT_EQ(plan_flush({}, queue, {.flush = k_start + 40s, .drain = k_start}).due, k_start + 40s);

  queue.not_before = k_start + 50s;

  EXPECT_EQ(plan_flush({}, queue, {.flush = k_start + 40s, .drain = k_start}).due, k_start + 50s);
}

TEST(FlushPlan, ADrainIsDueAtOnceAndMayUseTheReserve) {
  auto queue = with_pending(1);
  queue.drain_until = 1;

  EXPECT_EQ(plan_flush({}, queue, {.flush = k_start + 40s, .drain = k_start - 1s}).due, k_start);
  EXPECT_EQ(plan_flush({}, queue, {.flush = k_start + 40s, .drain = k_start + 20s}).due, k_start + 20s);
}

}  // namespace
}  // namespace agent::publish
