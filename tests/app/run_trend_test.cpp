#include "agent/app/run_trend.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace agent::app {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::chrono::system_clock::time_point at(std::int64_t milliseconds) {
  return std::chrono::system_clock::time_point(std::chrono::milliseconds(milliseconds));
}

TEST(RunTrend, ARunIsKeptWithWhatItCameTo) {
  report::Figures figures;
  figures.hits = 3;
  figures.misses = 1;
  figures.seconds = 12.5;
  figures.saved_seconds_estimate = 4.25;

  const auto run = past_run(figures, "12-1", at(1000));

  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(*run, (publish::PastRun{.job = run->job,
                                    .ended_ms = 1000,
                                    .took_ms = 12'500,
                                    .hits = 3,
                                    .misses = 1,
                                    .saved_ms = 4'250,
                                    .run = "12-1"}));
  EXPECT_NE(run->job, past_run(figures, "12-1", at(1000))->job);
}

TEST(RunTrend, ARunThatCompiledNothingIsNotKept) {
  report::Figures figures;
  EXPECT_FALSE(past_run(figures, "", at(1)).has_value());

  figures.hits = 0;
  figures.misses = 0;

  EXPECT_FALSE(past_run(figures, "", at(1)).has_value());
}

TEST(RunTrend, NumbersBeyondTheFormatAreBroughtIntoIt) {
  report::Figures figures;
  figures.hits = std::numeric_limits<std::uint64_t>::max();
  figures.seconds = std::numeric_limits<double>::infinity();
  figures.saved_seconds_estimate = -3.0;

  const auto run = past_run(figures, "", at(1));

  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(run->hits, std::numeric_limits<std::uint32_t>::max());
  EXPECT_EQ(run->took_ms, std::uint64_t{365} * 24 * 3600 * 1000);
  EXPECT_EQ(run->saved_ms, 0U);
}

TEST(RunTrend, TheJobsOfARunAreOneRun) {
  const publish::RunHistory history = {
      {.job = 1, .ended_ms = 10, .took_ms = 2'000, .hits = 1, .misses = 2, .saved_ms = 500, .run = "a"},
      {.job = 2, .ended_ms = 20, .hits = 10, .run = ""},
      {.job = 3, .ended_ms = 21, .hits = 20, .run = ""},
      {.job = 4, .ended_ms = 30, .took_ms = 1'000, .hits = 4, .misses = 8, .saved_ms = 250, .run = "a"}};

  EXPECT_THAT(
      earlier_runs(history),
      ElementsAre(
          report::EarlierRun{.ended_ms = 20, .hits = 10}, report::EarlierRun{.ended_ms = 21, .hits = 20},
          report::EarlierRun{
              .run = "a", .ended_ms = 30, .hits = 5, .misses = 10, .seconds = 2.0, .saved_seconds = 0.75}));
  EXPECT_THAT(earlier_runs({}), IsEmpty());
}

}  // namespace
}  // namespace agent::app
