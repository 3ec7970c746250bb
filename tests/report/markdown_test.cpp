#include "agent/report/markdown.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "agent/core/text.hpp"
#include "agent/report/notices.hpp"
#include "agent/report/text.hpp"
#include "tests/report/sample_figures.hpp"

namespace agent::report {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Everything as long, as many and as badly escaped as it can be.
Figures huge_figures() {
  auto figures = tests::troubled_figures();
  const std::string worst(5000, '|');
  figures.tag = figures.scope = figures.backend = figures.mode = figures.sccache_mode = worst;
  figures.notes.assign(3000, worst);
  for (int i = 0; i < 2000; ++i) {
    const auto name = fmt::format("{}{}", i, worst);
    figures.languages[name] = {.hits = 1, .misses = 1};
    figures.non_cacheable[name] = figures.miss_reasons[name] = figures.refused[name] =
        figures.fallbacks[name] = static_cast<std::uint64_t>(i);
  }
  return figures;
}

TEST(Markdown, StaysUnderItsLimitWhateverTheFiguresHold) {
  const auto summary = markdown(huge_figures(), Ending::died);

  EXPECT_LT(summary.size(), k_summary_limit_bytes);
  EXPECT_THAT(summary, HasSubstr("411 of 1,223"));
  EXPECT_EQ(std::ranges::count(summary, '<'), std::ranges::count(summary, '>'));
}

TEST(Markdown, StaysUnderItsLimitWithTheLongestCharacters) {
  auto figures = huge_figures();
  std::string worst;
  for (int i = 0; i < 1000; ++i) {
    worst += "&#::";
  }
  figures.notes.assign(20, worst);

  EXPECT_LT(markdown(figures).size(), k_summary_limit_bytes);
}

TEST(Markdown, GivesEveryTableItsColumns) {
  const auto summary = markdown(tests::hostile_figures());

  std::size_t columns = 0;
  for (const auto line : split(summary, '\n')) {
    const auto bars = static_cast<std::size_t>(std::ranges::count(line, '|'));
    if (line.starts_with('|')) {
      columns = columns == 0 ? bars : columns;
      EXPECT_EQ(bars, columns) << line;
    } else {
      EXPECT_EQ(bars, 0U) << line;
      columns = 0;
    }
  }
}

TEST(Markdown, LetsNoOutsideTextBecomeHtmlOrALink) {
  const auto summary = markdown(tests::hostile_figures());

  for (const auto* forbidden :
       {"<script", "<h1", "<b>", "</td>", "](http", "http://", "@everyone", "**bold"}) {
    EXPECT_THAT(summary, Not(HasSubstr(forbidden)));
  }
}

TEST(Markdown, SaysNoPercentageThatWasNotMeasured) {
  for (const auto& figures : {Figures{}, tests::nothing_compiled_figures()}) {
    EXPECT_THAT(markdown(figures, Ending::died), Not(HasSubstr("0 %")));
    EXPECT_THAT(markdown(figures, Ending::died), Not(HasSubstr("Hit rate")));
  }
}

TEST(Markdown, LeavesOutTablesOfWhichNothingIsKnown) {
  EXPECT_THAT(markdown(Figures{}, Ending::not_started), Not(HasSubstr("|")));
}

TEST(Text, HoldsNothingThatTheRunnerWouldTakeForACommand) {
  auto figures = tests::hostile_figures();
  figures.languages = {{"::error::x", {.hits = 1, .misses = 0}}, {" ##[error]y", {.hits = 1, .misses = 0}}};

  const auto shown = text(figures);

  EXPECT_THAT(shown, Not(HasSubstr("##[")));
  for (const auto line : split(shown, '\n')) {
    EXPECT_THAT(std::string(trimmed(line)), Not(StartsWith("::"))) << line;
  }
}

TEST(Notices, AreAFewLinesOfOneCommandEach) {
  const auto lines = notices(huge_figures(), Ending::died);

  EXPECT_LE(lines.size(), 6U);
  EXPECT_THAT(lines.front(), StartsWith("::notice title=Hearth::411 of 1,223"));
  EXPECT_THAT(lines, Each(Not(HasSubstr("\n"))));
  for (const auto& line : lines) {
    EXPECT_LT(line.size(), 4096U);
  }
}

TEST(Notices, EscapeThePercentSignsOfOutsideText) {
  auto figures = tests::warm_figures();
  figures.tag = "a%0A::error::b";

  EXPECT_THAT(notices(figures).front(), HasSubstr("Tag a%250A::error::b."));
}

}  // namespace
}  // namespace agent::report
