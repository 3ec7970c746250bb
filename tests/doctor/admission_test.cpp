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

// Another project's run is the newest of the store.
TEST(LastRuns, OfAFolderAreNotThoseOfAnother) {
  const tests::TempFolder folder;
  for (const auto& record :
       {run("1", "rust", "/src"), run("2", "rust", "/src"), run("3", "other", "/elsewhere")}) {
    ASSERT_THAT(app::keep_run(folder.path(), record), Succeeds());
  }

  const auto found = last_runs(folder.path(), "/src");

  ASSERT_THAT(found, Succeeds());
  EXPECT_EQ(found->last.id, "2");
  ASSERT_TRUE(found->previous);
  EXPECT_EQ(found->previous->id, "1");
  EXPECT_THAT(last_runs(folder.path(), "/nowhere"), FailsWith(Errc::not_found));
}

TEST(LastRuns, OfACheckoutStandInForThoseOfAFolderInIt) {
  const tests::TempFolder folder;
  const tests::TempFolder checkout;
  const auto source = checkout.path() / "src";
  ASSERT_THAT(io::make_folders(checkout.path() / ".git"), Succeeds());
  ASSERT_THAT(io::make_folders(source), Succeeds());
  ASSERT_THAT(app::keep_run(folder.path(), run("1", "a", checkout.path().string())), Succeeds());
  ASSERT_THAT(app::keep_run(folder.path(), run("2", "a", "/elsewhere")), Succeeds());

  const auto beside = last_runs(folder.path(), source);

  ASSERT_THAT(beside, Succeeds());
  EXPECT_EQ(beside->last.id, "1");

  ASSERT_THAT(app::keep_run(folder.path(), run("0", "a", source.string())), Succeeds());
  EXPECT_EQ(last_runs(folder.path(), source)->last.id, "0");
}

TEST(LastRuns, ThatCannotBeReadAreNamed) {
  const tests::TempFolder folder;
  ASSERT_THAT(io::write_file(folder.path() / "5.json", R"({"schema":1,"id)"), Succeeds());

  const auto found = last_runs(folder.path());

  ASSERT_THAT(found, FailsWith(Errc::invalid));
  EXPECT_THAT(found.error().message, ::testing::HasSubstr("5.json"));

  ASSERT_THAT(app::keep_run(folder.path(), run("4", "a", "/src")), Succeeds());
  const auto chart = chart_of_run(folder.path());
  ASSERT_THAT(chart, Succeeds());
  EXPECT_THAT(chart->unseen, ::testing::ElementsAre(::testing::HasSubstr("5.json")));
}

// Another run in the same store began later and has ended already.
TEST(RunNamed, IsNotTheLastOne) {
  const tests::TempFolder folder;
  for (const auto& record : {run("1", "a", "/src"), run("2", "a", "/src"), run("3", "b", "/src")}) {
    ASSERT_THAT(app::keep_run(folder.path(), record), Succeeds());
  }

  const auto chart = chart_of_run_named(folder.path(), "2");

  ASSERT_THAT(chart, Succeeds());
  EXPECT_EQ(chart->figures.tag, "a");
  ASSERT_TRUE(chart->previous);
  EXPECT_EQ(chart->previous->id, "1");
  EXPECT_THAT(chart_of_run_named(folder.path(), "4"), FailsWith(Errc::not_found));
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
