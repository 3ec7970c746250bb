#include "agent/app/compilations.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/report/headline.hpp"

namespace agent::app {
namespace {

using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;

// A run in which the agent gave ten objects and stored five.
report::Figures run(std::uint64_t restarts) {
  report::Figures figures;
  figures.lookups_hit = 10;
  figures.lookups_missed = 6;  // one was cut off before it stored anything
  figures.stores = 5;
  figures.restarts = restarts;
  return figures;
}

sccache::Statistics told(std::uint64_t hits, std::uint64_t misses) {
  sccache::Statistics statistics;
  statistics.writes = misses;
  statistics.languages["Rust"] = {.hits = hits, .misses = misses, .errors = 0};
  return statistics;
}

TEST(Recovered, IsWhatTheAgentSawBeyondWhatTheServersTold) {
  auto figures = run(1);
  figures.fallbacks["connection-lost"] = 1;
  const auto statistics = told(7, 3);
  add_compilations(figures, statistics);

  add_recovered(figures, statistics, 0);

  const auto& row = figures.languages.at(std::string(report::k_counted_by_the_agent));
  EXPECT_EQ(row.hits, 3U);
  EXPECT_EQ(row.misses, 2U);
  EXPECT_EQ(figures.hits, 10U);
  EXPECT_EQ(figures.misses, 5U);
  EXPECT_NEAR(*figures.hit_rate, 66.7, 0.1);
  EXPECT_THAT(
      report::remarks(figures),
      Contains(Field(&report::Remark::text,
                     HasSubstr("was restarted once; of what it counted after its last snapshot 3 hits and "
                               "2 misses are the agent's own count"))));
}

TEST(Recovered, IsAllThereIsWhereTheServerNeverTold) {
  auto figures = run(0);
  figures.fallbacks["server-hung"] = 1;

  add_recovered(figures, std::nullopt, 0);

  EXPECT_EQ(figures.hits, 10U);
  EXPECT_EQ(figures.misses, 5U);
  EXPECT_THAT(report::remarks(figures),
              Contains(Field(&report::Remark::text, HasSubstr("ended before the build did"))));
}

// `sccache --stop-server` in a step: nobody asked the server before.
TEST(Recovered, IsWhatAStoppedServerHadNotTold) {
  auto figures = run(0);
  const auto statistics = told(7, 3);
  add_compilations(figures, statistics);

  add_recovered(figures, statistics, 1);

  EXPECT_EQ(figures.hits, 10U);
  EXPECT_EQ(figures.misses, 5U);
}

TEST(Recovered, IsNothingWhereNoServerWasLost) {
  auto figures = run(0);
  const auto statistics = told(7, 3);
  add_compilations(figures, statistics);

  add_recovered(figures, statistics, 0);

  EXPECT_EQ(figures.languages.size(), 1U);
  EXPECT_EQ(figures.hits, 7U);
}

TEST(Recovered, NeverTakesAnythingAway) {
  auto figures = run(1);
  const auto statistics = told(11, 9);  // entries that sccache could not read are hits to the agent
  add_compilations(figures, statistics);

  add_recovered(figures, statistics, 0);

  EXPECT_EQ(figures.hits, 11U);
  EXPECT_EQ(figures.misses, 9U);
}

TEST(Recovered, IsNotGuessedWhereTheAgentIsNotAsked) {
  auto figures = run(1);
  figures.lookups_hit.reset();

  add_recovered(figures, told(1, 1), 0);

  EXPECT_TRUE(figures.languages.empty());
}

}  // namespace
}  // namespace agent::app
