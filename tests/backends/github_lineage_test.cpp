#include "agent/backends/github_lineage.hpp"

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

constexpr std::string_view k_name = "tags/r/s/t";

Error lost() {
  return {.code = Errc::transient, .message = "timed out"};
}

class Lines : public testing::Test {
protected:
  // One process: its own memory, the same service. `passing` is called each time it waits.
  struct Process {
    Process(tests::FakeCacheState& state, ManualClock& clock)
        : cache(state),
          lines(cache, clock, {.patience = seconds(15), .pause = [this, &clock](milliseconds time) {
                                 clock.advance(time);
                                 if (passing) {
                                   passing();
                                 }
                               }}) {}

    Result<std::string> add(std::string_view what) {
      AGENT_TRY(const auto head, lines.read(k_name));
      return lines.swap(k_name, head ? std::optional(head->version) : std::nullopt,
                        (head ? head->content : "") + std::string(what));
    }

    std::string content() {
      const auto head = lines.read(k_name);
      EXPECT_THAT(head, Succeeds());
      return head && *head ? (*head)->content : "(missing)";
    }

    std::function<void()> passing;
    tests::FakeActionsCache cache;
    Lineages lines;
  };

  static std::string key(std::uint64_t number) { return generation_key(k_name, number); }

  static std::string generation(std::uint64_t number, std::uint64_t base, std::string content,
                                std::vector<std::uint64_t> skipped = {}) {
    return encode_generation({.number = number,
                              .base = base,
                              .skipped = std::move(skipped),
                              .digest = {},
                              .content = std::move(content)});
  }

  ManualClock clock_;
  tests::FakeCacheState state_;
  Process one_{state_, clock_};
  Process two_{state_, clock_};
};

TEST_F(Lines, BeginEmptyAndGrowByOne) {
  EXPECT_EQ(one_.content(), "(missing)");

  ASSERT_THAT(one_.add("a"), Succeeds());
  ASSERT_THAT(one_.add("b"), Succeeds());

  EXPECT_EQ(two_.content(), "ab");
  EXPECT_TRUE(state_.entries.contains(key(1)));
  EXPECT_TRUE(state_.entries.contains(key(2)));
}

TEST_F(Lines, CostFourCallsPerSwapWithItsRead) {
  ASSERT_THAT(one_.add("a"), Succeeds());
  clock_.advance(seconds(10));
  state_.calls.clear();

  ASSERT_THAT(one_.add("b"), Succeeds());

  EXPECT_EQ(state_.total(), 4);  // find, reserve, finalise, find
}

TEST_F(Lines, CostNothingToReadJustAfterOnesOwnSwap) {
  ASSERT_THAT(one_.add("a"), Succeeds());
  state_.calls.clear();

  EXPECT_EQ(one_.content(), "a");

  EXPECT_EQ(state_.total(), 0);
}

TEST_F(Lines, ShowWhatOthersMadeSoonAfterOnesOwnSwap) {
  ASSERT_THAT(one_.add("a"), Succeeds());
  ASSERT_THAT(two_.add("b"), Succeeds());

  clock_.advance(seconds(3));

  EXPECT_EQ(one_.content(), "ab");
}

TEST_F(Lines, CostTwoMoreCallsPerConflict) {
  ASSERT_THAT(one_.add("a"), Succeeds());
  const auto head = one_.lines.read(k_name);
  ASSERT_THAT(head, Succeeds());
  ASSERT_THAT(two_.add("b"), Succeeds());
  state_.calls.clear();

  ASSERT_THAT(one_.lines.swap(k_name, (*head)->version, "ac"), FailsWith(Errc::conflict));
  EXPECT_EQ(one_.content(), "ab");

  EXPECT_EQ(state_.total(), 2);  // reserve, find
}

TEST_F(Lines, WaitForAReservationAndThenLoseToIt) {
  ASSERT_THAT(one_.add("a"), Succeeds());
  state_.reserve(key(2));
  one_.passing = [&] { state_.put(key(2), generation(2, 1, "ab")); };

  EXPECT_THAT(one_.add("c"), FailsWith(Errc::conflict));

  EXPECT_EQ(one_.content(), "ab");
}

TEST_F(Lines, PassOverAReservationThatNeverComes) {
  ASSERT_THAT(one_.add("a"), Succeeds());
  state_.reserve(key(2));
  const auto before = clock_.now();

  ASSERT_THAT(one_.add("b"), Succeeds());

  EXPECT_GE(clock_.now() - before, seconds(15));
  EXPECT_EQ(two_.content(), "ab");
  const auto made = parse_generation(state_.entries[key(3)].content);
  ASSERT_THAT(made, Succeeds());
  EXPECT_TRUE(made->skips(2));
}

TEST_F(Lines, HandWhatWasPassedOverAndCameAfterAllToTheNextWriter) {
  state_.put(key(1), generation(1, 0, "a"));
  state_.put(key(2), generation(2, 1, "ab"));  // its writer vanished
  state_.put(key(3), generation(3, 1, "ac", {2}));

  const auto head = one_.lines.read(k_name);
  ASSERT_THAT(head, Succeeds());
  EXPECT_EQ((*head)->content, "ac");
  EXPECT_THAT((*head)->also, testing::ElementsAre("ab"));
  ASSERT_THAT(one_.lines.swap(k_name, (*head)->version, "abc"), Succeeds());

  const auto next = two_.lines.read(k_name);
  EXPECT_EQ((*next)->content, "abc");
  EXPECT_THAT((*next)->also, testing::IsEmpty());
}

TEST_F(Lines, GoOnNamingWhatWasPassedOverAndDidNotComeYetForAWhile) {
  state_.put(key(1), generation(1, 0, "a"));
  state_.reserve(key(2));
  state_.put(key(3), generation(3, 1, "a", {2}));
  for (std::uint64_t number = 4; number <= 9; ++number) {
    ASSERT_THAT(one_.add("b"), Succeeds());
    EXPECT_TRUE(parse_generation(state_.entries[key(number)].content)->skips(2)) << number;
  }
  ASSERT_THAT(one_.add("b"), Succeeds());
  ASSERT_THAT(one_.add("b"), Succeeds());
  clock_.advance(seconds(10));
  state_.calls.clear();

  EXPECT_THAT(one_.lines.read(k_name), Succeeds());

  EXPECT_EQ(state_.total(), 1);  // nobody asks for it any more
}

TEST_F(Lines, TellAWriterThatHeWasPassedOver) {
  ASSERT_THAT(one_.add("a"), Succeeds());
  one_.cache.before = [&](std::string_view call, std::string_view) -> std::optional<Error> {
    if (call == "finalise" && !state_.entries.contains(key(3))) {
      EXPECT_THAT(two_.add("b"), Succeeds());  // in the meantime, after 15 seconds
    }
    return std::nullopt;
  };

  EXPECT_THAT(one_.add("c"), FailsWith(Errc::conflict));
  EXPECT_EQ(one_.content(), "ab");
  ASSERT_THAT(one_.add("c"), Succeeds());

  clock_.advance(seconds(3));
  EXPECT_EQ(two_.content(), "abc");
}

TEST_F(Lines, DoNotAcknowledgeWhatSomebodyMayStillPassOver) {
  ASSERT_THAT(one_.add("a"), Succeeds());
  one_.cache.before = [&](std::string_view call, std::string_view at) -> std::optional<Error> {
    if (call == "finalise" && at == key(2)) {
      clock_.advance(seconds(20));
      state_.reserve(key(3));  // somebody has given generation 2 up, and is about to write the next
    }
    return std::nullopt;
  };
  one_.passing = [&] {
    if (!state_.entries[key(3)].visible) {
      state_.put(key(3), generation(3, 1, "ab", {2}));
    }
  };

  EXPECT_THAT(one_.add("c"), FailsWith(Errc::conflict));
  ASSERT_THAT(one_.add("c"), Succeeds());

  EXPECT_EQ(two_.content(), "abc");
}

TEST_F(Lines, WriteOnceMoreAfterASlowUpload) {
  ASSERT_THAT(one_.add("a"), Succeeds());
  one_.cache.before = [&](std::string_view call, std::string_view at) -> std::optional<Error> {
    if (call == "upload" && at == key(2)) {
      clock_.advance(seconds(20));
    }
    return std::nullopt;
  };

  ASSERT_THAT(one_.add("b"), Succeeds());

  EXPECT_FALSE(state_.entries[key(2)].visible) << "it would stand in front of what others made meanwhile";
  const auto made = parse_generation(state_.entries[key(3)].content);
  EXPECT_EQ(made->base, 1);
  EXPECT_TRUE(made->skips(2));
  EXPECT_EQ(two_.content(), "ab");
}

TEST_F(Lines, GiveUpANumberThatOthersMayHavePassedOver) {
  ASSERT_THAT(one_.add("a"), Succeeds());
  one_.cache.before = [&](std::string_view call, std::string_view at) -> std::optional<Error> {
    if (call == "upload" && at == key(2)) {
      clock_.advance(seconds(16));
      EXPECT_THAT(two_.add("b"), Succeeds());
    }
    return std::nullopt;
  };

  EXPECT_THAT(one_.add("c"), FailsWith(Errc::conflict));
  ASSERT_THAT(one_.add("c"), Succeeds());

  EXPECT_FALSE(state_.entries[key(2)].visible);
  clock_.advance(seconds(3));
  EXPECT_EQ(two_.content(), "abc");
}

TEST_F(Lines, FindTheHeadBehindALateGenerationOnceItWasListed) {
  state_.put(key(1), generation(1, 0, "a"));
  state_.put(key(3), generation(3, 1, "ac", {2}));
  state_.put(key(2), generation(2, 1, "ab"));  // finalised last, and its writer vanished
  const auto late = two_.lines.read(k_name);
  ASSERT_EQ((*late)->content, "ab");
  EXPECT_THAT(two_.lines.swap(k_name, (*late)->version, "abd"), FailsWith(Errc::conflict))
      << "no writer builds on the late one";
  Process again(state_, clock_);
  EXPECT_EQ(again.content(), "ab");
  EXPECT_EQ(again.content(), "ac") << "who looks again asks for the next number first";

  one_.lines.note(k_name, 3);

  const auto head = one_.lines.read(k_name);
  EXPECT_EQ((*head)->content, "ac");
  EXPECT_THAT((*head)->also, testing::ElementsAre("ab"));
}

TEST_F(Lines, AreContentWithALaterGenerationThatIsMadeFromTheirs) {
  ASSERT_THAT(one_.add("a"), Succeeds());
  one_.cache.after = [&](std::string_view call, std::string_view at) -> std::optional<Error> {
    if (call == "finalise" && at == key(2)) {
      EXPECT_THAT(two_.add("c"), Succeeds());
    }
    return std::nullopt;
  };

  EXPECT_THAT(one_.add("b"), Succeeds());

  EXPECT_EQ(two_.content(), "abc");
}

TEST_F(Lines, GoOnWithTheirReservationWhenTheUploadFailed) {
  ASSERT_THAT(one_.add("a"), Succeeds());
  one_.cache.before = [](std::string_view call, std::string_view) {
    return call == "upload" ? std::optional(lost()) : std::nullopt;
  };
  EXPECT_THAT(one_.add("b"), FailsWith(Errc::transient));
  one_.cache.before = {};
  state_.calls.clear();

  ASSERT_THAT(one_.add("b"), Succeeds());

  EXPECT_EQ(state_.calls["reserve"], 0);
  EXPECT_FALSE(state_.entries.contains(key(3)));
  EXPECT_EQ(two_.content(), "ab");
}

TEST_F(Lines, PassOverTheirOwnReservationWhosePlaceIsRefused) {
  ASSERT_THAT(one_.add("a"), Succeeds());
  one_.cache.before = [](std::string_view call, std::string_view at) {
    return call == "upload" && at == key(2) ? std::optional(Error{.code = Errc::not_found, .message = "403"})
                                            : std::nullopt;
  };

  ASSERT_THAT(one_.add("b"), Succeeds());

  EXPECT_TRUE(parse_generation(state_.entries[key(3)].content)->skips(2));
}

TEST_F(Lines, DoNotBurnThroughGenerationsWhereEveryPlaceIsRefused) {
  one_.cache.before = [](std::string_view call, std::string_view) {
    return call == "upload" ? std::optional(Error{.code = Errc::not_found, .message = "403"}) : std::nullopt;
  };

  EXPECT_THAT(one_.add("a"), FailsWith(Errc::transient));

  EXPECT_EQ(state_.calls["reserve"], 3);  // two numbers, and a look whether the first is still taken
}

TEST_F(Lines, SeeThatTheyWereFinalisedWhenTheAnswerWasLost) {
  ASSERT_THAT(one_.add("a"), Succeeds());
  one_.cache.after = [](std::string_view call, std::string_view) {
    return call == "finalise" ? std::optional(lost()) : std::nullopt;
  };

  EXPECT_THAT(one_.add("b"), Succeeds());

  EXPECT_EQ(two_.content(), "ab");
}

TEST_F(Lines, SettleWhatWasFinalisedUnseenBeforeTheyShowIt) {
  ASSERT_THAT(one_.add("a"), Succeeds());
  bool down = false;
  one_.cache.after = [&](std::string_view call, std::string_view) -> std::optional<Error> {
    down = down || call == "finalise";
    return down ? std::optional(lost()) : std::nullopt;
  };
  EXPECT_THAT(one_.add("b"), FailsWith(Errc::transient));
  one_.cache.after = {};
  clock_.advance(seconds(60));

  EXPECT_EQ(one_.content(), "ab");

  EXPECT_EQ(parse_generation(state_.entries[key(3)].content)->base, 2);
}

TEST_F(Lines, WaitOutTheirOwnReservationWhoseAnswerWasLost) {
  ASSERT_THAT(one_.add("a"), Succeeds());
  one_.cache.after = [](std::string_view call, std::string_view) {
    return call == "reserve" ? std::optional(lost()) : std::nullopt;
  };
  EXPECT_THAT(one_.add("b"), FailsWith(Errc::transient));
  one_.cache.after = {};

  ASSERT_THAT(one_.add("b"), Succeeds());

  EXPECT_EQ(two_.content(), "ab");
  EXPECT_TRUE(state_.entries.contains(key(3)));
}

TEST_F(Lines, DoNotUseTheNumberOfAnEvictedHeadAgain) {
  ASSERT_THAT(one_.add("a"), Succeeds());
  ASSERT_THAT(one_.add("b"), Succeeds());
  state_.entries.erase(key(2));
  clock_.advance(seconds(10));

  EXPECT_EQ(one_.content(), "a");
  ASSERT_THAT(one_.add("c"), Succeeds());

  EXPECT_FALSE(state_.entries.contains(key(2)));
  EXPECT_TRUE(state_.entries.contains(key(3)));
  EXPECT_EQ(two_.content(), "ac");
}

TEST_F(Lines, PreferTheHighestGenerationThatTheyKnowToTheNewestByTime) {
  state_.reserve(key(2));
  state_.put(key(1), generation(1, 0, "a"));
  state_.put(key(3), generation(3, 1, "ac", {2}));
  EXPECT_EQ(one_.content(), "ac");

  state_.put(key(2), generation(2, 1, "ab"));  // late, and so the newest

  EXPECT_EQ(one_.content(), "ac");
  ASSERT_THAT(one_.add("d"), Succeeds());
  EXPECT_EQ(one_.content(), "acd");
}

TEST_F(Lines, RefuseVersionsOfOtherNames) {
  ASSERT_THAT(one_.add("a"), Succeeds());
  const auto version = one_.lines.read(k_name);

  EXPECT_THAT(one_.lines.swap("tags/r/s/other", (*version)->version, "x"), FailsWith(Errc::conflict));
  EXPECT_THAT(one_.lines.swap(k_name, "nonsense", "x"), FailsWith(Errc::invalid));
}

TEST_F(Lines, ReportDamageAndNewerFormats) {
  auto bytes = generation(1, 0, "a");
  bytes.back() = 'b';
  state_.put(key(1), bytes);
  EXPECT_THAT(one_.lines.read(k_name), FailsWith(Errc::corrupt));

  bytes[8] = 2;
  state_.put(key(1), bytes);
  EXPECT_THAT(one_.lines.read(k_name), FailsWith(Errc::unsupported));

  state_.put(key(1), generation(7, 0, "a"));
  EXPECT_THAT(one_.lines.read(k_name), FailsWith(Errc::corrupt));
}

TEST_F(Lines, GiveUpAfterManyReservationsThatNeverCame) {
  for (std::uint64_t number = 1; number <= 20; ++number) {
    state_.reserve(key(number));
  }

  EXPECT_THAT(one_.add("a"), FailsWith(Errc::transient));
}

}  // namespace
}  // namespace agent::backends
