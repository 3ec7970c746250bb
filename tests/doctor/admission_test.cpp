#include "agent/doctor/admission.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::doctor {
namespace {

using tests::FailsWith;
using tests::Succeeds;

// A run of two hits.
app::RunRecord run(std::string id, std::string tag, std::string folder) {
  app::RunRecord record;
  record.id = std::move(id);
  record.figures.tag = std::move(tag);
  record.figures.hits = 2;
  record.surroundings.folder = std::move(folder);
  return record;
}

TEST(LastRuns, AreTheLastAndTheNewestThatItCanBeComparedTo) {
  const tests::TempFolder folder;
  auto idle = run("3", "rust", "/src");
  idle.figures.hits = 0;
  for (const auto& record :
       {run("1", "rust", "/src"), run("2", "other", "/elsewhere"), idle, run("4", "rust", "/src")}) {
    ASSERT_THAT(app::keep_run(folder.path(), record), Succeeds());
  }

  const auto found = last_runs(folder.path());

  ASSERT_THAT(found, Succeeds());
  EXPECT_EQ(found->last.id, "4");
  ASSERT_TRUE(found->previous);
  EXPECT_EQ(found->previous->id, "1");
}

TEST(LastRuns, OfOneFolderAreComparableUnderOtherTags) {
  const tests::TempFolder folder;
  ASSERT_THAT(app::keep_run(folder.path(), run("1", "a", "/src")), Succeeds());
  ASSERT_THAT(app::keep_run(folder.path(), run("2", "b", "/src")), Succeeds());

  const auto found = last_runs(folder.path());

  ASSERT_THAT(found, Succeeds());
  ASSERT_TRUE(found->previous);
  EXPECT_EQ(found->previous->id, "1");
}

TEST(LastRuns, MayBeOneOrNone) {
  const tests::TempFolder folder;
  EXPECT_THAT(last_runs(folder.path()), FailsWith(Errc::not_found));
  ASSERT_THAT(app::keep_run(folder.path(), run("1", "a", "/src")), Succeeds());

  const auto found = last_runs(folder.path());

  ASSERT_THAT(found, Succeeds());
  EXPECT_FALSE(found->previous);
}

}  // namespace
}  // namespace agent::doctor
