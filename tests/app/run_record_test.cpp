#include "agent/app/run_record.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::app {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::SizeIs;
using tests::FailsWith;
using tests::Succeeds;

RunRecord sample() {
  RunRecord record{.id = "1", .started_ms = 5, .ended_ms = 9};
  record.figures.tag = "t";
  record.figures.misses = 3;
  record.statistics.emplace();
  record.statistics->version = "0.16.0";
  record.statistics->languages["Rust"] = {.hits = 1, .misses = 2, .errors = 0};
  record.statistics->compile_seconds = 1.25;
  record.surroundings = {.folder = "/src",
                         .command = "cargo (00)",
                         .environment = {{"CARGO_HOME", "/h"}},
                         .removed = {{"SCCACHE_DIR", "/d"}},
                         .programs = {{"rustc", "rustc 1"}}};
  record.requests.keys["absent"] = {1, 0xfedcba9876543210U};
  record.requests.left_out = 7;
  record.log.push_back({.topic = sccache::LogTopic::write_failed, .status = 429, .text = "line"});
  record.keys.compilations.push_back(
      {.name = "a.o", .key = 0xabcU, .outcome = "miss", .arguments = {"-c", "a.c"}, .inputs = {0, 1}});
  record.keys.files = {{.path = "/src/a.c", .digest = 1},
                       {.path = "/src/a.h", .digest = 0xfedcba9876543210U}};
  return record;
}

TEST(RunRecord, IsReadAsItWasWritten) {
  const auto read = parse_run_record(to_json(sample()).dump());

  ASSERT_THAT(read, Succeeds());
  EXPECT_EQ(read->figures.tag, "t");
  EXPECT_EQ(read->statistics->languages.at("Rust").misses, 2U);
  EXPECT_DOUBLE_EQ(read->statistics->compile_seconds, 1.25);
  EXPECT_EQ(read->surroundings.folder, "/src");
  EXPECT_THAT(read->surroundings.environment, ElementsAre(Pair("CARGO_HOME", "/h")));
  EXPECT_THAT(read->surroundings.removed, ElementsAre(Pair("SCCACHE_DIR", "/d")));
  EXPECT_THAT(read->requests.keys.at("absent"), ElementsAre(1U, 0xfedcba9876543210U));
  EXPECT_EQ(read->requests.left_out, 7U);
  ASSERT_THAT(read->log, SizeIs(1));
  EXPECT_EQ(read->log.front().topic, sccache::LogTopic::write_failed);
  EXPECT_EQ(read->log.front().status, 429);
  ASSERT_THAT(read->keys.compilations, SizeIs(1));
  EXPECT_THAT(read->keys.compilations.front().arguments, ElementsAre("-c", "a.c"));
  EXPECT_THAT(read->keys.compilations.front().inputs, ElementsAre(0U, 1U));
  EXPECT_EQ(read->keys.files, sample().keys.files);
  EXPECT_EQ(to_json(*read).dump(), to_json(sample()).dump());
}

TEST(RunRecord, RefusesInputsThatAreNone) {
  const auto record = [](const char* rest) {
    return parse_run_record(std::string(R"({"schema":1,"figures":{"schema":1},)") + rest + "}");
  };

  EXPECT_THAT(record(R"("inputs":[["/a.c","12"]])"), FailsWith(Errc::invalid));
  EXPECT_THAT(record(R"("inputs":["/a.c"])"), FailsWith(Errc::invalid));
  EXPECT_THAT(record(R"("compilations":[{"key":"00000000000000ab","inputs":"0"}])"),
              FailsWith(Errc::invalid));
}

TEST(RunRecord, OfAnotherSchemaIsNotGuessedAt) {
  EXPECT_THAT(parse_run_record(R"({"schema":2})"), FailsWith(Errc::unsupported));
  EXPECT_THAT(parse_run_record("[]"), FailsWith(Errc::unsupported));
  EXPECT_THAT(parse_run_record("{"), FailsWith(Errc::invalid));
}

TEST(RunRecord, RefusesKeysThatAreNone) {
  EXPECT_THAT(parse_run_record(R"({"schema":1,"figures":{"schema":1},"requests":{"hit":"12"}})"),
              FailsWith(Errc::invalid));
  EXPECT_THAT(
      parse_run_record(R"({"schema":1,"figures":{"schema":1},"requests":{"hit":"zzzzzzzzzzzzzzzz"}})"),
      FailsWith(Errc::invalid));
}

TEST(RunRecord, TheLastFewAreKept) {
  const tests::TempFolder folder;
  auto record = sample();
  for (std::size_t i = 0; i < k_runs_kept + 2; ++i) {
    record.id = fmt::format("{:03}", i);
    ASSERT_THAT(keep_run(folder.path(), record), Succeeds());
  }

  const auto runs = read_runs(folder.path(), 100);

  ASSERT_THAT(runs, SizeIs(k_runs_kept));
  EXPECT_EQ(runs.front().id, "002");
  EXPECT_EQ(runs.back().id, fmt::format("{:03}", k_runs_kept + 1));
}

// What could not be read again would be no record: the last run would seem to be the one before.
TEST(RunRecord, ThatIsTooLargeIsKeptWithoutWhatMakesItSo) {
  const tests::TempFolder folder;
  auto record = sample();
  auto& names = record.keys.files.front().path;
  names.assign(k_max_record_bytes, 'f');
  ASSERT_THAT(keep_run(folder.path(), record), Succeeds());

  auto kept = RecordedRuns(folder.path()).next();
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->requests.left_out, 7U);
  EXPECT_THAT(kept->keys.files, testing::IsEmpty());
  ASSERT_THAT(kept->keys.compilations, SizeIs(1));
  EXPECT_THAT(kept->keys.compilations.front().inputs, testing::IsEmpty());

  names = "/src/a.c";
  record.id = "2";
  record.keys.compilations.front().arguments.front().assign(k_max_record_bytes, 'a');
  ASSERT_THAT(keep_run(folder.path(), record), Succeeds());

  kept = RecordedRuns(folder.path()).next();
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->id, "2");
  EXPECT_THAT(kept->keys.compilations, testing::IsEmpty());
}

TEST(RunRecord, IsReadableByItsOwnerOnly) {
  const tests::TempFolder folder;
  ASSERT_THAT(keep_run(folder.path(), sample()), Succeeds());

  const auto mode = std::filesystem::status(folder.path() / "1.json").permissions();

  EXPECT_EQ(mode, std::filesystem::perms(0600));
}

TEST(RunRecord, ThatIsDamagedIsPassedOver) {
  const tests::TempFolder folder;
  ASSERT_THAT(keep_run(folder.path(), sample()), Succeeds());
  ASSERT_THAT(io::write_file(folder.path() / "2.json", "{"), Succeeds());

  EXPECT_THAT(read_runs(folder.path(), 5), SizeIs(1));
  EXPECT_THAT(read_runs(folder.path() / "none", 5), SizeIs(0));
}

}  // namespace
}  // namespace agent::app
