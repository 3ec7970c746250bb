#include "agent/plan/cargo_jobs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_folder.hpp"

namespace agent::plan {
namespace {

TEST(CargoJobs, AreAddedWhereThereIsNoBuildTable) {
  EXPECT_EQ(with_cargo_jobs("", 4).value(), "[build]\njobs = 4\n");
  EXPECT_EQ(with_cargo_jobs("[net]\noffline = true", 4).value(),
            "[net]\noffline = true\n\n[build]\njobs = 4\n");
}

TEST(CargoJobs, TakeThePlaceOfOldOnesAndLeaveTheRest) {
  EXPECT_EQ(
      with_cargo_jobs("# ours\n[build] # how\ntarget-dir = \"t\"\njobs = 9\n[net]\njobs = 1\n", 2).value(),
      "# ours\n[build] # how\njobs = 2\ntarget-dir = \"t\"\n[net]\njobs = 1\n");
}

TEST(CargoJobs, AreSetOnce) {
  const auto once = with_cargo_jobs("[build]\n", 3).value();
  EXPECT_EQ(with_cargo_jobs(once, 3).value(), once);
}

TEST(CargoJobs, AreLeftToPeopleWhereALineCannotBeSet) {
  for (const auto* text : {"build = { jobs = 3 }\n", "build.jobs = 3\n", "x = \"\"\"\n[build]\n\"\"\"\n"}) {
    const auto changed = with_cargo_jobs(text, 5);
    ASSERT_FALSE(changed) << text;
    EXPECT_THAT(changed.error().message, testing::HasSubstr("jobs = 5"));
  }
}

TEST(CargoJobs, AreWrittenToAFileThatIsMadeWhenMissing) {
  const tests::TempFolder folder;
  const auto path = folder.path() / ".cargo" / "config.toml";
  ASSERT_TRUE(write_cargo_jobs(path, 7));
  EXPECT_EQ(io::read_file(path, 1000).value(), "[build]\njobs = 7\n");
}

}  // namespace
}  // namespace agent::plan
