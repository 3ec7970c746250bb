#include "agent/publish/run_history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/publish/golden.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::publish {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using testing::SizeIs;
using tests::FailsWith;

constexpr std::uint64_t k_hour_ms = 3'600'000;

// As tests/golden/make_run_history_v1.py.
RunHistory golden_history() {
  return {
      {.job = 0x1122334455667788,
       .ended_ms = 1'763'700'000'123,
       .took_ms = 61'500,
       .hits = 0,
       .misses = 412,
       .run = "1234-1"},
      {.job = 7,
       .ended_ms = 1'763'700'600'000,
       .hits = 402,
       .misses = 10,
       .saved_ms = 184'000,
       .run = "1235-1"},
      {.job = 8, .ended_ms = 1'763'700'600'000, .took_ms = 30'000, .hits = 3, .misses = 0, .saved_ms = 250}};
}

Result<RunHistory> parse(std::string_view bytes) {
  return parse_run_history(io::bytes_of(bytes));
}

PastRun job_of(std::uint64_t job, std::uint64_t ended_ms, std::string run = {}) {
  return {.job = job, .ended_ms = ended_ms, .hits = 1, .run = std::move(run)};
}

TEST(RunHistory, WritesVersion1ByteForByte) {
  EXPECT_EQ(encode(golden_history()), tests::golden("run-history-v1.bin"));
}

TEST(RunHistory, ReadsVersion1) {
  EXPECT_EQ(parse(tests::golden("run-history-v1.bin")), golden_history());
}

TEST(RunHistory, AnythingCutOffIsCorrupt) {
  const auto bytes = tests::golden("run-history-v1.bin");

  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(parse(bytes.substr(0, size)), FailsWith(Errc::corrupt)) << size;
  }
  EXPECT_THAT(parse(bytes + "x"), FailsWith(Errc::corrupt));
}

TEST(RunHistory, OutOfOrderIsCorrupt) {
  auto history = golden_history();
  std::swap(history[1], history[2]);

  EXPECT_THAT(parse(encode(history)), FailsWith(Errc::corrupt));
}

TEST(RunHistory, OfANewerVersionIsUnsupportedAndStaysAsItIs) {
  auto bytes = tests::golden("run-history-v1.bin");
  bytes[0] = 2;
  Manifest manifest{.generation = 1, .foreign = {{.type = 6, .payload = bytes}}};

  add_run(manifest, job_of(1, 2));

  EXPECT_THAT(parse(bytes), FailsWith(Errc::unsupported));
  EXPECT_THAT(manifest.foreign, ElementsAre(Field(&ForeignSection::payload, bytes)));
  EXPECT_FALSE(is_due(manifest, job_of(1, 2)));
  EXPECT_THAT(runs_of(manifest), IsEmpty());
}

TEST(RunHistory, ThatCannotBeReadIsBegunAnew) {
  Manifest manifest{.generation = 1,
                    .foreign = {{.type = 6, .payload = std::string("\x01\0no history", 12)}}};

  EXPECT_TRUE(is_due(manifest, job_of(1, 2)));
  add_run(manifest, job_of(1, 2));

  EXPECT_THAT(runs_of(manifest), ElementsAre(job_of(1, 2)));
}

TEST(RunHistory, LivesInTheManifestBesideWhatOthersPutThere) {
  Manifest manifest{.generation = 1,
                    .foreign = {{.type = 5, .payload = "five"}, {.type = 9, .payload = "nine"}}};

  add_run(manifest, job_of(1, 20));
  add_run(manifest, job_of(2, 10));
  const auto bytes = encode(manifest);
  ASSERT_TRUE(bytes.has_value());
  const auto again = parse_manifest(io::bytes_of(*bytes));

  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(*again, manifest);
  EXPECT_THAT(manifest.foreign, ElementsAre(Field(&ForeignSection::type, 5), Field(&ForeignSection::type, 6),
                                            Field(&ForeignSection::type, 9)));
  EXPECT_THAT(runs_of(*again), ElementsAre(job_of(2, 10), job_of(1, 20)));
}

TEST(RunHistory, HasEachJobOnce) {
  Manifest manifest{.generation = 1};

  add_run(manifest, job_of(1, 10));
  add_run(manifest, job_of(1, 20));

  EXPECT_THAT(runs_of(manifest), ElementsAre(job_of(1, 10)));
}

TEST(RunHistory, KeepsTheLastRunsWithAllOfTheirJobs) {
  Manifest manifest{.generation = 1};

  for (std::uint64_t i = 0; i < 60; ++i) {
    add_run(manifest, job_of(i, i, std::to_string(i / 2)));
  }
  const auto history = runs_of(manifest);

  EXPECT_THAT(history, SizeIs(2 * k_runs_in_history));
  EXPECT_EQ(history.front().run, "10");
  EXPECT_EQ(history.back().run, "29");
}

TEST(RunHistory, StaysSmallWhateverARunHasOfJobs) {
  Manifest manifest{.generation = 1};

  for (std::uint64_t i = 0; i < 1000; ++i) {
    add_run(manifest, job_of(i, i, std::string(500, 'x')));
  }

  EXPECT_THAT(runs_of(manifest), SizeIs(k_jobs_in_history));
  EXPECT_LT(encode(runs_of(manifest)).size(), 7'000U);
}

TEST(RunHistory, IsWorthASwapOnceAnHour) {
  Manifest manifest{.generation = 1};
  EXPECT_TRUE(is_due(manifest, job_of(1, 10 * k_hour_ms)));

  add_run(manifest, job_of(1, 10 * k_hour_ms));

  EXPECT_FALSE(is_due(manifest, job_of(2, (11 * k_hour_ms) - 1)));
  EXPECT_TRUE(is_due(manifest, job_of(2, 11 * k_hour_ms)));
  EXPECT_FALSE(is_due(manifest, job_of(1, 12 * k_hour_ms))) << "it is there";
}

TEST(RunHistory, AClockThatIsFarAheadDoesNotEndIt) {
  Manifest manifest{.generation = 1};

  add_run(manifest, job_of(1, ~std::uint64_t{0}));

  EXPECT_TRUE(is_due(manifest, job_of(2, 10 * k_hour_ms)));
}

}  // namespace
}  // namespace agent::publish
