#include "agent/report/verdict.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/report/figures.hpp"
#include "agent/report/markdown.hpp"
#include "agent/report/text.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::report {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;
using tests::FailsWith;
using tests::Succeeds;

Verdict sample(std::string rule, Certainty certainty, double cost) {
  return {.rule = std::move(rule),
          .certainty = certainty,
          .cost = cost,
          .title = "It is | so",
          .evidence = {"A=1, B=2"},
          .fix = "unset A\nunset B"};
}

TEST(Verdict, IsReadAsItWasWritten) {
  const auto verdict = sample("r", Certainty::likely, 0.5);

  const auto read = verdict_from(to_json(verdict));

  ASSERT_THAT(read, Succeeds());
  EXPECT_EQ(to_json(*read), to_json(verdict));
  EXPECT_EQ(to_json(verdict)["cost"], io::Json());
}

TEST(Verdict, WithoutARuleOrCertaintyIsNone) {
  EXPECT_THAT(verdict_from(io::JsonObject{{"rule", "r"}, {"title", "t"}, {"certainty", "sure"}}),
              FailsWith(Errc::invalid));
  EXPECT_THAT(verdict_from(io::Json()), FailsWith(Errc::invalid));
}

TEST(Verdict, MostCertainThenMostCostlyComesFirst) {
  std::vector<Verdict> verdicts = {sample("a", Certainty::possible, 1), sample("b", Certainty::certain, 0.1),
                                   sample("c", Certainty::certain, 0.9), sample("d", Certainty::likely, 1)};

  rank(verdicts);

  EXPECT_THAT(verdicts, ElementsAre(Field(&Verdict::rule, "c"), Field(&Verdict::rule, "b"),
                                    Field(&Verdict::rule, "d"), Field(&Verdict::rule, "a")));
}

TEST(Verdict, IsShownWithProofAndRemedyAndNoMarkupOfItsOwn) {
  auto verdict = sample("r", Certainty::certain, 1);
  verdict.fix += "\n```\n::error::no";

  const auto markdown = verdict_markdown({verdict}, 1);

  EXPECT_THAT(markdown, HasSubstr("A=1, B=2"));
  EXPECT_THAT(markdown, HasSubstr("unset A\nunset B"));
  EXPECT_THAT(markdown, Not(HasSubstr("\n```\n::error")));
}

TEST(Verdict, BeyondTheLimitIsCounted) {
  const std::vector<Verdict> verdicts(5, sample("r", Certainty::certain, 1));

  EXPECT_THAT(verdict_text(verdicts, 2), HasSubstr("5 findings in all"));
}

TEST(Verdict, StandsInSummaryTextAndFigures) {
  Figures figures;
  figures.hits = 0;
  figures.misses = 4;
  figures.verdicts = {sample("the-rule", Certainty::certain, 1)};

  EXPECT_THAT(markdown(figures), HasSubstr("the-rule"));
  EXPECT_THAT(text(figures), HasSubstr("unset A"));
  const auto again = from_json(to_json(figures));
  ASSERT_THAT(again, Succeeds());
  ASSERT_EQ(again->verdicts.size(), 1U);
  EXPECT_EQ(again->verdicts.front().rule, "the-rule");
}

}  // namespace
}  // namespace agent::report
