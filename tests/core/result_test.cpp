#include "agent/core/result.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>

#include "tests/support/result_matchers.hpp"

namespace agent {
namespace {

using tests::FailsSaying;
using tests::FailsWith;

Result<void> operation_failing_with(int error) {
  return fail_errno("open", "the file", error);
}

TEST(FailErrno, TellsAFullDiskFromADeniedOneFromTheRest) {
  for (const int error : {ENOSPC, EDQUOT}) {
    EXPECT_THAT(operation_failing_with(error), FailsWith(Errc::full)) << error;
  }
  for (const int error : {EACCES, EPERM, EROFS}) {
    EXPECT_THAT(operation_failing_with(error), FailsWith(Errc::denied)) << error;
  }
  for (const int error : {EIO, ENOENT, EMFILE, EINVAL}) {
    EXPECT_THAT(operation_failing_with(error), FailsWith(Errc::io)) << error;
  }
}

TEST(FailErrno, NamesTheOperationTheThingAndTheReason) {
  EXPECT_EQ(operation_failing_with(ENOSPC).error().message, "open the file: No space left on device");
}

TEST(WithContext, KeepsCodeAndRetryAfter) {
  const Error inner{.code = Errc::transient, .message = "429", .retry_after = std::chrono::seconds(3)};

  const Result<int> outer = with_context("upload", inner);

  EXPECT_THAT(outer, FailsWith(Errc::transient));
  EXPECT_EQ(outer.error().message, "upload: 429");
  EXPECT_EQ(outer.error().retry_after, std::chrono::seconds(3));
}

TEST(NameOf, IsDifferentForEveryCode) {
  std::set<std::string> names;
  for (int code = 0; code <= static_cast<int>(Errc::io); ++code) {
    names.emplace(name_of(static_cast<Errc>(code)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Errc::io) + 1);
  EXPECT_FALSE(names.contains("unknown"));
}

Result<int> half_of(int number) {
  if (number % 2 != 0) {
    return fail(Errc::invalid, "{} is odd", number);
  }
  return number / 2;
}

Result<int> quarter_of(int number, int& reached) {
  AGENT_TRY(const auto half, half_of(number));
  ++reached;
  AGENT_CHECK(half_of(half));
  ++reached;
  AGENT_TRY(const auto quarter, half_of(half));
  return quarter;
}

TEST(AgentTry, BindsTheValue) {
  int reached = 0;
  EXPECT_EQ(quarter_of(8, reached), 2);
}

TEST(AgentTry, ReturnsTheFirstErrorAtOnce) {
  int reached = 0;
  EXPECT_THAT(quarter_of(7, reached), FailsSaying("7 is odd"));
  EXPECT_EQ(reached, 0);
}

TEST(AgentCheck, ReturnsTheErrorAndGoesNoFurther) {
  int reached = 0;
  EXPECT_THAT(quarter_of(6, reached), FailsSaying("3 is odd"));
  EXPECT_EQ(reached, 1);
}

}  // namespace
}  // namespace agent
