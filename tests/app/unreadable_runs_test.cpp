#include "agent/app/unreadable_runs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/app/run_record.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::app {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using tests::FailsWith;
using tests::Succeeds;

TEST(UnreadableRuns, AreNamedTheNewestFirst) {
  const tests::TempFolder folder;
  for (const auto* name : {"1.json", "3.json", ".4.json", "5.txt"}) {
    ASSERT_THAT(io::write_file(folder.path() / name, R"({"schema":1,"id)"), Succeeds());
  }
  RunRecord whole;
  whole.id = "2";
  ASSERT_THAT(keep_run(folder.path(), whole), Succeeds());

  const auto errors = unreadable_runs(folder.path());

  ASSERT_EQ(errors.size(), 2U);
  EXPECT_THAT(errors.front().message, HasSubstr("3.json"));
  EXPECT_EQ(unreadable_runs(folder.path(), "2").size(), 1U);
  EXPECT_THAT(unreadable_runs(folder.path(), "3"), IsEmpty());
}

TEST(UnreadableRuns, AreWhyThereIsNone) {
  const tests::TempFolder folder;
  EXPECT_THAT(Result<void>(why_no_run(folder.path())), FailsWith(Errc::not_found));
  EXPECT_THAT(Result<void>(why_no_run(folder.path() / "none")), FailsWith(Errc::not_found));

  ASSERT_THAT(io::make_folders(folder.path() / "1.json"), Succeeds());  // no file: even root cannot read it
  EXPECT_THAT(Result<void>(why_no_run(folder.path())), FailsWith(Errc::io));
}

TEST(UnreadableRuns, MayBeTheWholeFolder) {
  const tests::TempFolder folder;
  ASSERT_THAT(io::write_file(folder.path() / "runs", ""), Succeeds());

  const auto errors = unreadable_runs(folder.path() / "runs");

  ASSERT_EQ(errors.size(), 1U);
  EXPECT_THAT(errors.front().message, HasSubstr("runs"));
}

}  // namespace
}  // namespace agent::app
