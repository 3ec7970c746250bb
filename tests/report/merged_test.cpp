#include "agent/report/merged.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/report/markdown.hpp"
#include "tests/report/sample_figures.hpp"

namespace agent::report {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Merged, HasARowForEachJobAndOneForAll) {
  const auto shown = merged_markdown({{.name = "linux", .figures = tests::warm_figures()},
                                      {.name = "mac", .figures = tests::cold_figures()}});

  EXPECT_THAT(shown, HasSubstr("**412 of 824 cacheable compilations of 2 jobs came from the cache.**"));
  EXPECT_THAT(shown, HasSubstr("| linux | 100 % | 412 | 0 | 0 | 179.0 MiB | 9 | 0 | 0 | 3 min 4 s |\n"));
  EXPECT_THAT(shown, HasSubstr("| mac | 0 % | 0 | 412 | 412 | 0 B | 9 | 0 | 0 | – |\n"));
  EXPECT_THAT(shown,
              HasSubstr("| **all** | **50.0 %** | **412** | **412** | **412** | **179.0 MiB** | **18** |"));
}

TEST(Merged, OneJobNeedsNoSum) {
  EXPECT_THAT(merged_markdown({{.name = "linux", .figures = tests::warm_figures()}}),
              Not(HasSubstr("**all**")));
}

TEST(Merged, SaysWhatWentWrongInWhichJob) {
  auto sick = tests::troubled_figures();
  sick.verdicts = {{.rule = "cargo-home", .certainty = Certainty::certain, .title = "CARGO_HOME differs"}};

  const auto shown = merged_markdown(
      {{.name = "fine", .figures = tests::warm_figures()}, {.name = "sick", .figures = sick}});

  EXPECT_THAT(shown, HasSubstr("- ⚠️ sick: 200 new objects were not yet published"));
  EXPECT_THAT(shown, HasSubstr("- ⚠️ sick: hits are low: CARGO&#95;HOME differs"));
  EXPECT_THAT(shown, Not(HasSubstr("⚠️ fine")));
}

TEST(Merged, WhatNoJobMeasuredIsNotZero) {
  Figures none;
  EXPECT_THAT(merged_markdown({{.name = "a", .figures = none}}),
              HasSubstr("| a | – | – | – | – | – | – | – | – | – |"));

  const auto total = merged_json({{.name = "a", .figures = none}, {.name = "b", .figures = none}})["total"];

  EXPECT_TRUE(total["hits"].is_null());
  EXPECT_TRUE(total["hit_rate"].is_null());
}

TEST(Merged, JsonHoldsEachJobWithItsNameAndTheSums) {
  const auto json = merged_json({{.name = "linux", .figures = tests::trend_figures()},
                                 {.name = "mac", .figures = tests::cold_figures()}});

  EXPECT_EQ(json["schema"].integer(), 1);
  ASSERT_EQ(json["jobs"].array()->size(), 2U);
  EXPECT_EQ(json["jobs"].array()->at(1).text("name"), "mac");
  EXPECT_EQ(json["jobs"].array()->at(1)["misses"].count(), 412U);
  EXPECT_EQ(json["total"]["hits"].count(), 412U);
  EXPECT_EQ(json["total"]["hit_rate"].number(), 50.0);
  EXPECT_EQ(json["total"]["backend_calls"].count(), 18U);
  EXPECT_EQ(json["total"]["longest_seconds"].number(), 41.5);
}

TEST(Merged, NamesFromOutsideStayNames) {
  const std::vector<JobFigures> jobs = {
      {.name = "a|b`c`<script>\n| x | y | @everyone", .figures = tests::hostile_figures()}};

  EXPECT_THAT(merged_markdown(jobs), Not(HasSubstr("<script>")));
  EXPECT_THAT(merged_markdown(jobs), Not(HasSubstr("\n| x")));
  EXPECT_THAT(merged_text(jobs), Not(HasSubstr("\n| x")));
}

TEST(Merged, NamesFromOutsideAreNoWorkflowCommands) {
  const auto text =
      merged_text({{.name = "::error::x", .figures = {}}, {.name = "##[error]y", .figures = {}}});

  EXPECT_THAT(text, HasSubstr("\n  | ::error::x"));
  EXPECT_THAT(text, HasSubstr("\n  ## [error]y"));
}

TEST(Merged, StaysUnderTheLimitWithAThousandJobs) {
  const std::vector<JobFigures> jobs(1000,
                                     {.name = std::string(5000, '|'), .figures = tests::troubled_figures()});

  const auto shown = merged_markdown(jobs);

  EXPECT_LT(shown.size(), k_summary_limit_bytes);
  EXPECT_THAT(shown, HasSubstr("| 940 more | 33.6 % |"));
  EXPECT_THAT(shown, HasSubstr("- and 4,980 more\n"));
}

}  // namespace
}  // namespace agent::report
