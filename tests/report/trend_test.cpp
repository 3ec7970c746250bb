#include "agent/report/trend.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/report/sample_figures.hpp"

namespace agent::report {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Trend, ABlockIsAsHighAsItsShare) {
  EXPECT_EQ(sparkline({0.0, 50.0, 99.9, 100.0, std::nullopt}, 100), "▁▄▇█·");
  EXPECT_EQ(sparkline({-1.0, 1e300}, 0), "▁▁");
}

TEST(Trend, EndsWithThisRun) {
  auto figures = tests::warm_figures();
  figures.seconds = 30;
  figures.earlier_runs = {
      {.ended_ms = 1, .hits = 0, .misses = 412, .seconds = 214.0},
      {.ended_ms = 2, .hits = 206, .misses = 206, .seconds = 107.0, .saved_seconds = 92.0}};

  const auto lines = trend(figures);

  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_EQ(lines[0].sparkline + " " + lines[0].last + " " + lines[0].first, "▁▄█ 100 % 3 runs, from 0 %");
  EXPECT_EQ(lines[1].sparkline + " " + lines[1].last + " " + lines[1].first,
            "·▄█ 3 min 4 s 2 runs, from 1 min 32 s");
  EXPECT_EQ(lines[2].sparkline + " " + lines[2].last + " " + lines[2].first,
            "█▄▁ 30.0 s 3 runs, from 3 min 34 s");
  EXPECT_THAT(trend_markdown(figures), HasSubstr("| Hit rate | `▁▄█` 3 runs, from 0 % | 100 % |\n"));
}

TEST(Trend, AFirstRunHasNone) {
  EXPECT_THAT(trend(tests::warm_figures()), IsEmpty());
  EXPECT_THAT(trend_markdown(tests::warm_figures()), IsEmpty());
}

TEST(Trend, ARunThatCountedNothingHasNone) {
  auto figures = tests::no_statistics_figures();
  figures.earlier_runs = {{.ended_ms = 1, .hits = 1, .misses = 1}};

  EXPECT_THAT(trend(figures), IsEmpty());
}

TEST(Trend, ShowsTwentyRunsAtMost) {
  auto figures = tests::warm_figures();
  figures.earlier_runs.assign(500, {.ended_ms = 1, .hits = 1, .misses = 1});

  EXPECT_EQ(trend(figures).front().first, "20 runs, from 50.0 %");
}

}  // namespace
}  // namespace agent::report
