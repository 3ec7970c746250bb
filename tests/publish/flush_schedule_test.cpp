#include "agent/publish/flush_schedule.hpp"

#include <gtest/gtest.h>

namespace agent::publish {
namespace {

using namespace std::chrono_literals;

store::Stored of_size(std::uint64_t size) {
  return {.slice = {.fd = -1, .offset = 0, .size = size, .pin = nullptr}, .digest = {}, .crc32c = 0};
}

PendingObjects batch(int count, Steady first, Steady last, std::uint64_t size = 1) {
  PendingObjects pending;
  for (int i = 0; i < count; ++i) {
    pending.add(std::to_string(i), of_size(size), i + 1 == count ? last : first);
  }
  return pending;
}

const Steady k_start{1000s};

TEST(FlushSchedule, NothingPendingIsNeverDue) {
  EXPECT_EQ(flush_due({}, PendingObjects()), std::nullopt);
}

TEST(FlushSchedule, ASmallBatchIsDueAfterTwoIdleSeconds) {
  EXPECT_EQ(flush_due({}, batch(99, k_start, k_start + 5s)), k_start + 7s);
}

TEST(FlushSchedule, ALargerBatchIsDueAfterTenIdleSeconds) {
  EXPECT_EQ(flush_due({}, batch(100, k_start, k_start + 5s)), k_start + 15s);
}

TEST(FlushSchedule, NothingWaitsLongerThanAMinuteWhileMoreKeepsComing) {
  EXPECT_EQ(flush_due({}, batch(1999, k_start, k_start + 59s)), k_start + 60s);
}

TEST(FlushSchedule, AFullBatchIsDueAtOnce) {
  EXPECT_EQ(flush_due({}, batch(2000, k_start, k_start)), k_start);
  EXPECT_EQ(flush_due({}, batch(2, k_start, k_start, std::uint64_t{128} << 20U)), k_start);
}

TEST(PacedFlushes, KeepTheirDefaultsWhereTheStorageSaysNothing) {
  const auto options = paced({}, {});

  EXPECT_EQ(options.flush_bytes, PublisherOptions().flush_bytes);
  EXPECT_EQ(options.flush_age, PublisherOptions().flush_age);
  EXPECT_EQ(options.flush_idle, PublisherOptions().flush_idle);
  EXPECT_EQ(options.pack_bytes, PublisherOptions().pack_bytes);
}

TEST(PacedFlushes, HaveTheBytesOfTheStorage) {
  const auto options = paced({}, {.flush_bytes = 64, .pack_bytes = 128});

  EXPECT_EQ(flush_due(options, batch(2, k_start, k_start, 32)), k_start);
  EXPECT_EQ(flush_due(options, batch(1, k_start, k_start, 32)), k_start + 2s);
  EXPECT_EQ(options.pack_bytes, 128U);
}

TEST(PacedFlushes, WaitForAgeAloneWhereTheStorageSaysSo) {
  const auto options = paced({}, {.flush_bytes = 1 << 20, .flush_age = 5min});

  EXPECT_EQ(flush_due(options, batch(3, k_start, k_start)), k_start + 5min);
  EXPECT_EQ(flush_due(options, batch(3, k_start, k_start + 4min)), k_start + 5min);
  EXPECT_EQ(flush_due(options, batch(5000, k_start, k_start + 1s)), k_start + 5min);
  EXPECT_EQ(flush_due(options, batch(2, k_start, k_start, 1 << 19)), k_start);
}

TEST(Backoff, DoublesUpToALimitWithJitter) {
  const Error error{.code = Errc::transient, .message = "reset"};
  const PublisherOptions options;

  EXPECT_EQ(backoff(options, 1, error, 0.0), 500ms);
  EXPECT_EQ(backoff(options, 1, error, 0.5), 750ms);
  EXPECT_EQ(backoff(options, 3, error, 0.0), 2s);
  EXPECT_EQ(backoff(options, 10, error, 0.0), 30s);
  EXPECT_EQ(backoff(options, 4'000'000'000U, error, 0.0), 30s);
}

TEST(Backoff, NeverComesBackBeforeRetryAfter) {
  const Error error{.code = Errc::transient, .message = "429", .retry_after = 45s};

  EXPECT_GE(backoff({}, 1, error, 0.0), 45s);
  EXPECT_LE(backoff({}, 1, error, 0.99), 46s);
}

TEST(Permanence, FollowsFromTheCodeAlone) {
  for (const auto code :
       {Errc::denied, Errc::unsupported, Errc::invalid, Errc::full, Errc::corrupt, Errc::not_found}) {
    EXPECT_TRUE(is_permanent(code)) << name_of(code);
  }
  for (const auto code : {Errc::transient, Errc::conflict, Errc::io, Errc::cancelled}) {
    EXPECT_FALSE(is_permanent(code)) << name_of(code);
  }
}

}  // namespace
}  // namespace agent::publish
