#include "agent/plan/moon_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/io/json.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::plan {
namespace {

using tests::FailsWith;
using tests::Succeeds;

io::Json parsed(std::string_view text) {
  return io::parse_json(text, "test").value_or(io::Json());
}

TEST(MoonPlan, IsMadeWhereThereIsNone) {
  const auto made = with_moon_concurrency("", 4);

  ASSERT_THAT(made, Succeeds());
  EXPECT_EQ(parsed(*made), parsed(R"({"pipeline":{"concurrency":4}})"));
}

TEST(MoonPlan, KeepsWhatElseItSays) {
  const auto changed = with_moon_concurrency(
      R"({"targets":["app:build"],"pipeline":{"onFailure":"bail","concurrency":9}})", 4);

  ASSERT_THAT(changed, Succeeds());
  EXPECT_EQ(parsed(*changed),
            parsed(R"({"targets":["app:build"],"pipeline":{"onFailure":"bail","concurrency":4}})"));
}

TEST(MoonPlan, HoldsNoMoreThanMoonReads) {
  EXPECT_EQ(parsed(*with_moon_concurrency("", 1000))["pipeline"]["concurrency"].count(), 255U);
}

TEST(MoonPlan, LeavesAloneWhatIsNoPlan) {
  EXPECT_THAT(with_moon_concurrency("[]", 4), FailsWith(Errc::invalid));
  EXPECT_THAT(with_moon_concurrency(R"({"pipeline":3})", 4), FailsWith(Errc::invalid));
  EXPECT_THAT(with_moon_concurrency("{", 4), FailsWith(Errc::invalid));
}

TEST(MoonPlan, IsWrittenIntoAWorkspaceOnly) {
  const tests::TempFolder folder;
  EXPECT_THAT(write_moon_concurrency(folder.path(), 4), FailsWith(Errc::not_found));
  ASSERT_THAT(io::make_folders(folder.path() / ".moon"), Succeeds());

  ASSERT_THAT(write_moon_concurrency(folder.path(), 4), Succeeds());
  ASSERT_THAT(write_moon_concurrency(folder.path(), 6), Succeeds());

  const auto text = io::read_file(folder.path() / k_moon_plan, 1000);
  ASSERT_THAT(text, Succeeds());
  EXPECT_EQ(parsed(*text)["pipeline"]["concurrency"].count(), 6U);
}

}  // namespace
}  // namespace agent::plan
