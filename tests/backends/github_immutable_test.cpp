#include "agent/backends/github_immutable.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_actions_cache.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::backends {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using tests::FailsWith;
using tests::Succeeds;

class Immutable : public testing::Test {
protected:
  ManualClock clock_;
  tests::FakeCacheState state_;
  tests::FakeActionsCache cache_{state_};
  ImmutableEntries entries_{cache_, clock_, {.patience = seconds(15), .pause = [this](milliseconds time) {
                                               clock_.advance(time);
                                             }}};
};

Error lost() {
  return {.code = Errc::transient, .message = "timed out"};
}

TEST_F(Immutable, CostTwoCallsToPutAndOneToReadInManyRanges) {
  EXPECT_EQ(entries_.put("packs/p", std::string_view("0123456789")), Put::created);
  EXPECT_EQ(state_.total(), 2);
  state_.calls.clear();

  for (std::uint64_t at = 0; at < 10; ++at) {
    EXPECT_THAT(entries_.get("packs/p", {.offset = at, .size = 1}), Succeeds());
  }

  EXPECT_EQ(state_.total(), 1);
}

TEST_F(Immutable, AreNotTheirLongerNeighbours) {
  state_.put("packs/pp", "x");

  EXPECT_EQ(entries_.get("packs/p", {.offset = 0, .size = 1}), std::nullopt);
}

TEST_F(Immutable, GoUnderAnotherKeyWhereTheReservedOneNeverComes) {
  state_.reserve("packs/p");

  EXPECT_EQ(entries_.put("packs/p", std::string_view("x")), Put::created);

  EXPECT_TRUE(state_.entries["packs/p~1"].visible);
  EXPECT_EQ(entries_.get("packs/p", {.offset = 0, .size = 1}), "x");
}

TEST_F(Immutable, UseTheirReservationAgainAfterAFailedUpload) {
  cache_.before = [](std::string_view call, std::string_view) {
    return call == "upload" ? std::optional(lost()) : std::nullopt;
  };
  EXPECT_THAT(entries_.put("packs/p", std::string_view("x")), FailsWith(Errc::transient));
  cache_.before = {};
  state_.calls.clear();

  EXPECT_EQ(entries_.put("packs/p", std::string_view("x")), Put::created);

  EXPECT_EQ(state_.calls["reserve"], 0);
  EXPECT_TRUE(state_.entries["packs/p"].visible);
}

TEST_F(Immutable, DoNotWaitForAReservationThatIsProbablyTheirOwn) {
  cache_.after = [](std::string_view call, std::string_view) {
    return call == "reserve" ? std::optional(lost()) : std::nullopt;
  };
  EXPECT_THAT(entries_.put("packs/p", std::string_view("x")), FailsWith(Errc::transient));
  cache_.after = {};
  const auto before = clock_.now();

  EXPECT_EQ(entries_.put("packs/p", std::string_view("x")), Put::created);

  EXPECT_EQ(clock_.now(), before);
  EXPECT_EQ(entries_.get("packs/p", {.offset = 0, .size = 1}), "x");
}

TEST_F(Immutable, SeeThatTheyWereFinalisedWhenTheAnswerWasLost) {
  cache_.after = [](std::string_view call, std::string_view) {
    return call == "finalise" ? std::optional(lost()) : std::nullopt;
  };

  EXPECT_EQ(entries_.put("packs/p", std::string_view("x")), Put::created);
}

TEST_F(Immutable, WaitForAnotherWritersUpload) {
  state_.reserve("packs/p");
  cache_.before = [&](std::string_view call, std::string_view) -> std::optional<Error> {
    if (call == "find" && state_.calls["find"] == 3) {
      state_.put("packs/p", "x");
    }
    return std::nullopt;
  };

  EXPECT_EQ(entries_.put("packs/p", std::string_view("x")), Put::existed);
}

TEST_F(Immutable, LookTheUrlUpAgainOnceItIsRefused) {
  ASSERT_THAT(entries_.put("packs/p", std::string_view("x")), Succeeds());
  ASSERT_THAT(entries_.get("packs/p", {.offset = 0, .size = 1}), Succeeds());
  state_.calls.clear();
  bool expired = true;
  cache_.before = [&](std::string_view call, std::string_view) -> std::optional<Error> {
    if (call == "download" && std::exchange(expired, false)) {
      state_.entries["packs/p"].visible = false;
    } else {
      state_.entries["packs/p"].visible = true;
    }
    return std::nullopt;
  };

  EXPECT_EQ(entries_.get("packs/p", {.offset = 0, .size = 1}), "x");

  EXPECT_EQ(state_.calls["find"], 1);
}

TEST_F(Immutable, ReadAsMissingOnceTheyAreEvicted) {
  ASSERT_THAT(entries_.put("packs/p", std::string_view("x")), Succeeds());
  ASSERT_THAT(entries_.get("packs/p", {.offset = 0, .size = 1}), Succeeds());

  state_.entries.clear();

  EXPECT_EQ(entries_.get("packs/p", {.offset = 0, .size = 1}), std::nullopt);
}

TEST_F(Immutable, AreNotWrittenWithATokenThatOnlyReads) {
  cache_.before = [](std::string_view call, std::string_view) {
    return call == "reserve" ? std::optional(Error{.code = Errc::denied, .message = "read-only"})
                             : std::nullopt;
  };

  EXPECT_THAT(entries_.put("packs/p", std::string_view("x")), FailsWith(Errc::denied));
}

}  // namespace
}  // namespace agent::backends
