#include "agent/keys/tag_lint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agent::keys {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const RunFacts& this_run() {
  static const RunFacts run{
      .id = "17000000001", .attempt = "1", .sha = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"};
  return run;
}

TEST(TagLint, IsSilentOnWhatIsTheSameEveryRun) {
  for (const auto* fine :
       {"1.95.0", "1", "release", "linux-x86_64", "pr-1", "v1.1.1", "nightly-2026-10-01",
        "beta-2026-10-01-x86_64-unknown-linux-gnu", "170000000012", "shard-1-of-4", "a1b2c3d", "entry-1",
        "prerun-1x", "python3.12", "20999999", "windows-2022", "ubuntu-22.04"}) {
    EXPECT_THAT(lint_part("scope", fine, this_run()), IsEmpty()) << fine;
  }
}

TEST(TagLint, FindsTheRunId) {
  for (const auto* bad : {"17000000001", "run-17000000001", "x17000000001y", "a_17000000001"}) {
    EXPECT_THAT(lint_part("scope", bad, this_run()), ElementsAre(HasSubstr("this run's id"))) << bad;
  }
}

TEST(TagLint, FindsAShortRunIdOnlyBehindItsName) {
  const RunFacts run{.id = "42", .attempt = "", .sha = ""};

  EXPECT_THAT(lint_part("scope", "run-42", run), ElementsAre(HasSubstr("this run's id")));
  EXPECT_THAT(lint_part("scope", "run_id=42", run), ElementsAre(HasSubstr("this run's id")));
  EXPECT_THAT(lint_part("scope", "clang-42", run), IsEmpty());
}

TEST(TagLint, FindsTheAttemptOnlyBehindAWord) {
  for (const auto* bad : {"attempt-1", "run-1", "Attempt1", "x-try_1", "run_attempt.1"}) {
    EXPECT_THAT(lint_part("scope", bad, this_run()), ElementsAre(HasSubstr("this run's attempt"))) << bad;
  }
  EXPECT_THAT(lint_part("scope", "attempt-2", this_run()), IsEmpty());
}

TEST(TagLint, FindsTheCommitInFullAndAbbreviated) {
  for (const auto* bad :
       {"0a1b2c3d4e5f60718293a4b5c6d7e8f901234567", "main-0a1b2c3", "0A1B2C3D4E", "g0a1b2c3"}) {
    EXPECT_THAT(lint_part("prefix", bad, this_run()), ElementsAre(HasSubstr("this commit's SHA"))) << bad;
  }
  EXPECT_THAT(lint_part("prefix", "0a1b2c", this_run()), IsEmpty());
}

TEST(TagLint, FindsTimes) {
  for (const auto* bad : {"2026-11-21T14:52:27Z", "20261121145227", "20261121T1452", "1763736747",
                          "1763736747123", "build-2026-11-21", "20261121", "nightly-2026-11-21T14:52"}) {
    EXPECT_THAT(lint_part("scope", bad, this_run()), ElementsAre(HasSubstr("a date or time"))) << bad;
  }
}

TEST(TagLint, LooksForNothingThatIsNotKnown) {
  EXPECT_THAT(lint_part("scope", "run-1-attempt-1-0a1b2c3", RunFacts{}), IsEmpty());
}

}  // namespace
}  // namespace agent::keys
