#include "agent/sccache/statistics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "agent/io/file.hpp"
#include "agent/io/process.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::sccache {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;
using testing::Pair;
using tests::FailsSaying;
using tests::FailsWith;
using tests::Succeeds;

// What sccache 0.16.0 answered after C, C++ and Rust compilations with its disk cache; only the folder's name
// was changed.
std::string recorded() {
  const auto path =
      io::fs::path(io::environment_value("HEARTH_SOURCE_DIR")) / "tests/golden/sccache-0.16.0-stats.json";
  return io::read_file(path, 1U << 20U).value_or("");
}

TEST(ParseStatistics, ReadsWhatSccacheReallyAnswers) {
  const auto statistics = parse_statistics(recorded());

  ASSERT_THAT(statistics, Succeeds());
  EXPECT_EQ(statistics->version, "0.16.0");
  EXPECT_EQ(statistics->cache_location, "Local disk: \"/home/runner/.cache/sccache\"");
  EXPECT_EQ(statistics->compile_requests, 14U);
  EXPECT_EQ(statistics->executed, 9U);
  EXPECT_EQ(statistics->not_compile, 2U);
  EXPECT_EQ(statistics->not_cacheable, 3U);
  EXPECT_EQ(statistics->compilations, 5U);
  EXPECT_EQ(statistics->writes, 5U);
  EXPECT_EQ(statistics->write_errors, 0U);
  EXPECT_EQ(statistics->timeouts, 0U);
  EXPECT_EQ(statistics->languages.at("C/C++").hits, 2U);
  EXPECT_EQ(statistics->languages.at("C/C++").misses, 4U);
  EXPECT_EQ(statistics->languages.at("Rust").hits, 1U);
  EXPECT_EQ(statistics->languages.at("Rust").misses, 1U);
  EXPECT_EQ(statistics->hits(), 3U);
  EXPECT_EQ(statistics->misses(), 5U);
  EXPECT_EQ(statistics->errors(), 0U);
  EXPECT_THAT(statistics->not_cached,
              ElementsAre(Pair("-E", 1U), Pair("crate-type", 1U), Pair("multiple input files", 1U)));
  EXPECT_THAT(statistics->compile_seconds, DoubleEq(0.303431454));
  EXPECT_THAT(statistics->read_hit_seconds, DoubleEq(0.000199402));
}

TEST(ParseStatistics, TakesAbsentFiguresAsZero) {
  const auto statistics = parse_statistics(R"({"stats":{}})");

  ASSERT_THAT(statistics, Succeeds());
  EXPECT_EQ(statistics->compile_requests, 0U);
  EXPECT_EQ(statistics->compile_seconds, 0);
  EXPECT_THAT(statistics->languages, IsEmpty());
}

TEST(ParseStatistics, CountsNothingFromFiguresOfTheWrongKind) {
  const auto statistics = parse_statistics(
      R"({"version":7,"stats":{"compile_requests":-1,"cache_writes":"9","compilations":1.5,
          "cache_hits":{"counts":{"Rust":-4,"C/C++":[]}},"cache_misses":[],"not_cached":{"-E":null},
          "compiler_write_duration":{"secs":"1","nanos":null}}})");

  ASSERT_THAT(statistics, Succeeds());
  EXPECT_EQ(statistics->version, "");
  EXPECT_EQ(statistics->compile_requests, 0U);
  EXPECT_EQ(statistics->writes, 0U);
  EXPECT_EQ(statistics->compilations, 0U);
  EXPECT_EQ(statistics->hits(), 0U);
  EXPECT_EQ(statistics->compile_seconds, 0);
}

TEST(ParseStatistics, RefusesWhatIsNoStatistics) {
  for (const auto* text : {"", "sccache: error", "[]", "{}", R"({"stats":[]})", R"({"stats":null})"}) {
    EXPECT_THAT(parse_statistics(text), FailsWith(Errc::invalid)) << text;
  }
  EXPECT_THAT(parse_statistics("{}"), FailsSaying("no member 'stats'"));
}

TEST(ParseStatistics, RefusesMoreThanAMebibyte) {
  const auto text = R"({"stats":{},"padding":")" + std::string(1U << 20U, 'x') + "\"}";
  EXPECT_THAT(parse_statistics(text), FailsWith(Errc::invalid));
}

TEST(Statistics, AddUpOverTwoServers) {
  auto sum = *parse_statistics(recorded());
  const auto more = *parse_statistics(
      R"({"version":"0.16.1","stats":{"compile_requests":3,"compilations":1,"cache_writes":1,
          "cache_hits":{"counts":{"Rust":2}},"cache_errors":{"counts":{"CUDA":1}},"not_cached":{"-E":2,"new":1},
          "compiler_write_duration":{"secs":2,"nanos":0}}})");

  sum.add(more);

  EXPECT_EQ(sum.version, "0.16.1");
  EXPECT_EQ(sum.compile_requests, 17U);
  EXPECT_EQ(sum.compilations, 6U);
  EXPECT_EQ(sum.writes, 6U);
  EXPECT_EQ(sum.languages.at("Rust").hits, 3U);
  EXPECT_EQ(sum.languages.at("C/C++").hits, 2U);
  EXPECT_EQ(sum.errors(), 1U);
  EXPECT_EQ(sum.not_cached.at("-E"), 3U);
  EXPECT_EQ(sum.not_cached.at("new"), 1U);
  EXPECT_THAT(sum.compile_seconds, DoubleEq(2.303431454));
}

TEST(SavedSecondsEstimate, IsTheHitsAtThisRunsMeanLessTheReading) {
  Statistics statistics;
  statistics.compilations = 4;
  statistics.compile_seconds = 8;
  statistics.read_hit_seconds = 0.5;
  statistics.languages["Rust"].hits = 10;

  EXPECT_THAT(statistics.saved_seconds_estimate(), Optional(DoubleEq(19.5)));
}

TEST(SavedSecondsEstimate, IsUnknownWithoutSomethingToCompareWith) {
  Statistics statistics;
  statistics.languages["Rust"].hits = 10;
  EXPECT_EQ(statistics.saved_seconds_estimate(), std::nullopt);

  statistics = {};
  statistics.compilations = 4;
  EXPECT_EQ(statistics.saved_seconds_estimate(), std::nullopt);
}

}  // namespace
}  // namespace agent::sccache
