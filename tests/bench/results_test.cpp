#include "agent/bench/results.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/bench/bench_fixture.hpp"

namespace agent::bench {
namespace {

TEST(Figures, AreMediansOfTimesAndSumsOfCounts) {
  const auto results = some_results();
  const auto local = figures_of(results.legs[0]);
  EXPECT_DOUBLE_EQ(local.cold_seconds.value_or(0), 22);
  EXPECT_DOUBLE_EQ(local.warm_hit_rate.value_or(0), 100);
  EXPECT_DOUBLE_EQ(local.cold_hit_rate.value_or(-1), 0);
  EXPECT_EQ(local.http_429, std::nullopt) << "no backend was asked: not measured";
  const auto proxy = figures_of(results.legs[1]);
  EXPECT_DOUBLE_EQ(proxy.warm_over_cold.value_or(0), 0.2);
  EXPECT_NEAR(proxy.rust_hit_rate.value_or(0), 100.0 * 96 / 99, 1e-9);
  EXPECT_EQ(proxy.conflicts, 3U);
  EXPECT_EQ(proxy.http_429, 0U);
  EXPECT_DOUBLE_EQ(proxy.read_hit_ms.value_or(0), 0.5);
}

TEST(Figures, OfNothingAreNotMeasured) {
  const auto figures = figures_of({.name = "none", .how = {}, .rounds = {{}}});
  EXPECT_EQ(figures.cold_seconds, std::nullopt);
  EXPECT_EQ(figures.warm_hit_rate, std::nullopt);
}

TEST(ResultsJson, IsReadBack) {
  const auto results = some_results();
  const auto json = to_json(results);
  const auto read = from_json(json, "results.json");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(to_json(*read), json);
}

TEST(ResultsJson, HoldsTheRatioToTheFirstLeg) {
  const auto json = to_json(some_results());
  const auto& legs = *json["legs"].array();
  EXPECT_TRUE(legs[0]["against"].is_null());
  EXPECT_EQ(legs[1]["against"].text("leg"), "local");
  EXPECT_DOUBLE_EQ(legs[1]["against"]["warm"]["ratio"].number().value_or(0), 0.5);
  EXPECT_EQ(legs[1]["against"]["warm"]["pairs"].count(), 3U);
  EXPECT_EQ(legs[1]["against"]["warm"].text("spread"), "range");
}

TEST(ResultsJson, OfAnEarlierVersionTellABackendByItsCounts) {
  const auto json = to_json(some_results());
  auto object = *json.object();
  io::JsonArray legs;
  for (const auto& leg : *json["legs"].array()) {
    auto without = *leg.object();
    without.erase("asks_backend");
    legs.emplace_back(std::move(without));
  }
  object.insert_or_assign("legs", std::move(legs));
  const auto read = from_json(object, "old.json");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_FALSE(read->legs[0].asks_backend);
  EXPECT_TRUE(read->legs[1].asks_backend);
}

TEST(ResultsJson, RefusesWhatIsNoResult) {
  for (const auto* text : {R"({})", R"({"schema":2,"legs":[{"name":"a","rounds":[]}]})",
                           R"({"schema":1,"legs":[]})", R"({"schema":1,"legs":[{"rounds":[]}]})",
                           R"({"schema":1,"legs":[{"name":"a","rounds":[{"cold":{"seconds":"long"}}]}]})",
                           R"({"schema":1,"legs":[{"name":"a","rounds":[{"cold":{"seconds":-1}}]}]})"}) {
    const auto json = io::parse_json(text, "text");
    ASSERT_TRUE(json);
    const auto read = from_json(*json, "old.json");
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, Errc::invalid);
    EXPECT_THAT(read.error().message, testing::HasSubstr("old.json"));
  }
}

TEST(Merged, PutsLegsOfSeveralRunsTogether) {
  auto first = some_results();
  auto second = some_results();
  first.legs.pop_back();
  second.legs.erase(second.legs.begin());
  second.legs.front().name = "s3";
  const auto all = merged({first, second});
  ASSERT_EQ(all.legs.size(), 2U);
  EXPECT_EQ(all.legs[0].name, "local");
  EXPECT_EQ(all.legs[1].name, "s3");
}

TEST(Merged, PairsNoRoundsOfSeveralRuns) {
  auto first = some_results();
  auto second = some_results();
  first.legs.pop_back();
  second.legs[0].name = "s3";
  const auto all = merged({first, second});
  ASSERT_EQ(all.legs.size(), 3U);
  EXPECT_EQ(ratio_of(all.legs[1], all.legs[0], &Round::warm)->pairs, 0U);
  EXPECT_EQ(ratio_of(all.legs[2], all.legs[1], &Round::warm)->pairs, 3U)
      << "these two were measured together";
  const auto read = from_json(to_json(all), "table.json");
  ASSERT_TRUE(read) << read.error().message;
  const auto more = merged({*read, some_results()});
  EXPECT_EQ(ratio_of(more.legs[1], more.legs[0], &Round::warm)->pairs, 0U);
  EXPECT_EQ(to_json(all)["legs"].array()->at(1)["against"]["warm"].text("spread"), "none");
}

TEST(Merged, TakesTheLaterLegOfAName) {
  auto second = some_results();
  second.legs[0].how = "later";
  EXPECT_EQ(merged({some_results(), second}).legs[0].how, "later");
  EXPECT_EQ(merged({some_results(), second}).legs.size(), 2U);
}

}  // namespace
}  // namespace agent::bench
