#include "agent/cache/request_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace agent::cache {
namespace {

using ::testing::ElementsAre;

TEST(RequestLog, ShortensSccachesKeysToTheirFirstDigits) {
  const auto key =
      short_key("sccache/0/1/2/0123456789abcdef00000000000000000000000000000000000000000000000f");

  EXPECT_EQ(key, 0x0123456789abcdefU);
}

TEST(RequestLog, TellsOtherKeysApartToo) {
  EXPECT_NE(short_key("sccache-direct/.mode"), short_key("sccache-direct/.mood"));
  EXPECT_NE(short_key("a/0123456789ABCDEF"), short_key("b/0123456789ABCDEF"));  // not as sccache writes them
}

TEST(RequestLog, KeepsEachKeyOncePerOutcomeAndSorted) {
  RequestLog log;
  log.note("sccache/ffffffffffffffff", Outcome::absent);
  log.note("sccache/0000000000000001", Outcome::absent);
  log.note("sccache/ffffffffffffffff", Outcome::absent);
  log.note("sccache/ffffffffffffffff", Outcome::stored);

  const auto requests = log.requests();

  EXPECT_THAT(requests.keys.at("absent"), ElementsAre(1U, 0xffffffffffffffffU));
  EXPECT_THAT(requests.keys.at("stored"), ElementsAre(0xffffffffffffffffU));
  EXPECT_FALSE(requests.keys.contains("hit"));
  EXPECT_EQ(requests.left_out, 0U);
}

TEST(RequestLog, KnowsTheLastMissesNewestFirst) {
  RequestLog log;
  log.note("sccache/0000000000000001", Outcome::absent);
  log.note("sccache/0000000000000002", Outcome::hit);
  log.note("sccache/0000000000000003", Outcome::backend_error);
  EXPECT_EQ(log.recent_misses().size(), 2U);
  for (int i = 0; i < 20; ++i) {
    log.note("sccache/00000000000000ff", Outcome::corrupt);
  }
  log.note("sccache/0000000000000004", Outcome::stored);

  const auto misses = log.recent_misses();

  ASSERT_EQ(misses.size(), RequestLog::k_recent);
  EXPECT_EQ(misses.front().number, 22U);
  EXPECT_EQ(misses.front().key, 0xffU);
  EXPECT_EQ(misses.front().outcome, Outcome::corrupt);
  EXPECT_EQ(misses.back().number, 22U - RequestLog::k_recent + 1);
}

TEST(RequestLog, CountsWhatIsBeyondItsBound) {
  RequestLog log;
  for (std::size_t i = 0; i < RequestLog::k_most + 3; ++i) {
    log.note("sccache/00000000000000ff", Outcome::hit);
  }

  EXPECT_EQ(log.requests().left_out, 3U);
}

}  // namespace
}  // namespace agent::cache
