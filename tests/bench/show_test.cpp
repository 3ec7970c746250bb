#include "agent/bench/show.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/bench/bench_fixture.hpp"

namespace agent::bench {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(BenchText, HasEveryFigureOfEveryLeg) {
  const auto results = some_results();
  const std::vector<Verdict> verdicts{{.gate = "429==0", .leg = "proxy", .value = 0, .held = true}};
  const auto shown = text({results, verdicts});
  EXPECT_THAT(shown, HasSubstr("ripgrep: cargo build (3 rounds, stable tag)"));
  EXPECT_THAT(shown, HasSubstr("22.00 s"));
  EXPECT_THAT(shown, HasSubstr("97.0 %"));
  EXPECT_THAT(shown, HasSubstr("0.50 (range 0.50 to 0.50)"));
  EXPECT_THAT(shown, HasSubstr("proxy: 429==0 holds"));
}

TEST(BenchText, CallsNothingAnIntervalThatIsNone) {
  auto results = some_results();
  for (auto& leg : results.legs) {  // six rounds
    leg.rounds.insert(leg.rounds.end(), leg.rounds.begin(), leg.rounds.begin() + 3);
  }
  EXPECT_THAT(text({results, {}}), HasSubstr("0.50 (95 %: 0.50 to 0.50)"));
  EXPECT_THAT(markdown({results, {}}), HasSubstr("0.50 (95 %: 0.50 to 0.50)"));
  results.legs[1].session = 1;
  EXPECT_THAT(text({results, {}}), AllOf(HasSubstr("0.50 (measured apart)"), Not(HasSubstr("95 %:"))));
  EXPECT_THAT(markdown({some_results(), {}}), HasSubstr("0.50 (range 0.50 to 0.50)"));
}

TEST(BenchText, ShowsTheChangeSinceAnEarlierRun) {
  const auto results = some_results();
  auto earlier = some_results();
  for (auto& round : earlier.legs[1].rounds) {
    round.warm->seconds *= 2;
  }
  EXPECT_THAT(text({results, {}, &earlier}), HasSubstr("4.40 s (-50 %)"));
  EXPECT_THAT(text({results, {}}), Not(HasSubstr("%)")));
}

TEST(BenchMarkdown, IsATableThatNamesCannotBreak) {
  auto results = some_results();
  results.legs[1].name = "a|b";
  const auto shown = markdown({results, {}});
  EXPECT_THAT(shown, Not(HasSubstr("a|b")));
  EXPECT_THAT(shown, HasSubstr("|:--|--:|"));
}

TEST(BenchMarkdown, SaysWhichGateFailed) {
  const auto results = some_results();
  const std::vector<Verdict> verdicts{{.gate = "conflicts==0", .leg = "proxy", .value = 3, .held = false},
                                      {.gate = "x.429==0", .leg = "x", .value = {}, .held = false}};
  const auto shown = markdown({results, verdicts});
  EXPECT_THAT(shown, HasSubstr("does not hold (3.00)"));
  EXPECT_THAT(shown, HasSubstr("was not measured"));
}

TEST(BenchChart, DrawsOneBarForEachTimeAndEscapesNames) {
  auto results = some_results();
  results.legs[0].name = "<b>&\"";
  const auto drawn = svg(results);
  EXPECT_THAT(drawn, HasSubstr("&lt;b&gt;&amp;&quot;"));
  EXPECT_THAT(drawn, Not(HasSubstr("<b>")));
  std::size_t bars = 0;
  for (auto at = drawn.find("<rect"); at != std::string::npos; at = drawn.find("<rect", at + 1)) {
    ++bars;
  }
  EXPECT_EQ(bars, 2U + 4U);  // the legend's, and cold and warm of two legs
}

TEST(BenchChart, OfNothingHasNoBars) {
  Results results{.project = "p", .legs = {{.name = "local", .how = {}, .rounds = {}}}};
  EXPECT_THAT(svg(results), HasSubstr("</svg>"));
}

}  // namespace
}  // namespace agent::bench
