#include "agent/bench/gate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/bench/bench_fixture.hpp"

namespace agent::bench {
namespace {

std::vector<Verdict> judged(std::string_view text) {
  const auto gate = parse_gate(text);
  EXPECT_TRUE(gate) << text;
  return gate ? judge(*gate, some_results()) : std::vector<Verdict>{};
}

bool holds(std::string_view text) {
  const auto verdicts = judged(text);
  EXPECT_EQ(verdicts.size(), 1U) << text;
  return !verdicts.empty() && verdicts.front().held;
}

TEST(Gate, ComparesAFigureOfALeg) {
  EXPECT_TRUE(holds("proxy.warm_hit_rate>=95"));
  EXPECT_FALSE(holds("proxy.warm_hit_rate >= 99 %"));
  EXPECT_TRUE(holds("local.warm_hit_rate==100"));
  EXPECT_TRUE(holds("proxy.warm_over_cold<0.21"));
  EXPECT_TRUE(holds("proxy.ratio<=0.21"));
  EXPECT_FALSE(holds("proxy.cold_seconds<22"));
  EXPECT_TRUE(holds("proxy.cold_seconds!=21"));
  EXPECT_TRUE(holds("proxy.conflicts>2"));
}

TEST(Gate, WithoutALegIsForAllThatWereMeasured) {
  EXPECT_EQ(judged("warm_hit_rate>=95").size(), 2U);
  const auto limits = judged("429==0");
  ASSERT_EQ(limits.size(), 1U) << "the local leg asks no backend";
  EXPECT_EQ(limits.front().leg, "proxy");
  EXPECT_TRUE(limits.front().held);
  EXPECT_FALSE(holds("conflicts==0"));
}

TEST(Gate, DoesNotHoldForAWayThatMeasuredNothing) {
  auto results = some_results();
  for (auto& round : results.legs[1].rounds) {  // every compilation went past sccache: 0 of 0
    round.warm = Build{.seconds = 4};
  }
  const auto verdicts = judge(parse_gate("warm_hit_rate>=95").value(), results);
  ASSERT_EQ(verdicts.size(), 2U);
  EXPECT_TRUE(verdicts[0].held);
  EXPECT_EQ(verdicts[1].leg, "proxy");
  EXPECT_EQ(verdicts[1].value, std::nullopt);
  EXPECT_FALSE(verdicts[1].held);
  EXPECT_FALSE(judge(parse_gate("rust_hit_rate>=95").value(), results).at(1).held);
}

TEST(Gate, DoesNotHoldWhereOneOfTwoBackendsWasNotCounted) {
  auto results = some_results();
  results.legs.push_back({.name = "s3", .how = "hearth run --backend s3://b", .rounds = {}});
  const auto verdicts = judge(parse_gate("429==0").value(), results);
  ASSERT_EQ(verdicts.size(), 2U) << "the local leg asks no backend";
  EXPECT_TRUE(verdicts[0].held);
  EXPECT_EQ(verdicts[1].leg, "s3");
  EXPECT_FALSE(verdicts[1].held);
}

TEST(Gate, SaysOnceWhatNoWayMeasured) {
  auto results = some_results();
  for (auto& leg : results.legs) {
    for (auto& round : leg.rounds) {
      round.warm->rust_hits = round.warm->rust_misses = std::nullopt;
    }
  }
  const auto verdicts = judge(parse_gate("rust_hit_rate>=95").value(), results);
  ASSERT_EQ(verdicts.size(), 1U);
  EXPECT_EQ(verdicts.front().leg, "");
  EXPECT_FALSE(verdicts.front().held);
}

TEST(Gate, DoesNotHoldWhereNothingWasMeasured) {
  EXPECT_FALSE(holds("parallel_seconds<100"));
  EXPECT_FALSE(holds("s3.warm_hit_rate>=0"));
  EXPECT_FALSE(holds("local.429==0"));
}

TEST(Gate, RefusesWhatItCannotJudge) {
  for (const auto* text : {"", "warm_hit_rate", "warm_hit_rate>=", "warm_hit_rate>=x", "warm_hit_rate=95",
                           "speed>3", ">=95", "warm_hit_rate>=95 and more", "warm_hit_rate>=95>=3",
                           "429!=nan", "cold_seconds<inf", "warm_hit_rate>-infinity"}) {
    const auto gate = parse_gate(text);
    ASSERT_FALSE(gate) << text;
    EXPECT_EQ(gate.error().code, Errc::invalid);
    EXPECT_THAT(gate.error().message, testing::HasSubstr("for instance"));
  }
}

TEST(Gate, NamesTheFiguresThereAre) {
  EXPECT_THAT(parse_gate("speed>3").error().message, testing::HasSubstr("warm_hit_rate"));
}

}  // namespace
}  // namespace agent::bench
