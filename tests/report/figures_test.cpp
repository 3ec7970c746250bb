#include "agent/report/figures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/report/sample_figures.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::report {
namespace {

using tests::FailsSaying;
using tests::FailsWith;
using tests::Succeeds;

io::Json parsed(std::string_view text) {
  return io::parse_json(text, "test").value_or(io::Json("not JSON"));
}

TEST(Figures, HaveTheNamesOthersRelyOn) {
  const auto json = to_json(tests::warm_figures());

  EXPECT_EQ(json["schema"].integer(), 1);
  for (const auto* name : {"tag",
                           "scope",
                           "generation",
                           "backend",
                           "mode",
                           "sccache_mode",
                           "hit_rate",
                           "languages",
                           "hits",
                           "misses",
                           "errors",
                           "non_cacheable",
                           "latency_ms",
                           "bytes_read",
                           "bytes_written",
                           "stores",
                           "published",
                           "pending",
                           "refused",
                           "backend_calls",
                           "http_429",
                           "conflicts",
                           "retries",
                           "breaker_openings",
                           "compacted_packs",
                           "preload_seconds",
                           "saved_seconds_estimate"}) {
    EXPECT_FALSE(json[name].is_null()) << name;
  }
  EXPECT_EQ(json["latency_ms"]["p95"].number(), 2.75);
  EXPECT_EQ(json["languages"]["Rust"]["hits"].count(), 402U);
}

TEST(Figures, SayNullForWhatWasNotMeasured) {
  const auto json = to_json(Figures{});

  for (const auto* name : {"generation",
                           "hit_rate",
                           "languages",
                           "hits",
                           "misses",
                           "errors",
                           "non_cacheable",
                           "bytes_read",
                           "bytes_written",
                           "stores",
                           "published",
                           "pending",
                           "refused",
                           "backend_calls",
                           "http_429",
                           "conflicts",
                           "retries",
                           "breaker_openings",
                           "compacted_packs",
                           "preload_seconds",
                           "saved_seconds_estimate",
                           "miss_reasons"}) {
    EXPECT_TRUE(json[name].is_null()) << name;
    EXPECT_TRUE(json.object()->contains(name)) << name;
  }
  EXPECT_TRUE(json["latency_ms"]["p99"].is_null());
  EXPECT_FALSE(json.object()->contains("phase"));
}

TEST(Figures, SayZeroForWhatWasMeasuredAndDidNotHappen) {
  Figures figures;
  figures.hits = 0;
  figures.misses = 0;
  figures.stores = 0;

  const auto json = to_json(figures);

  EXPECT_EQ(json["refused"].count(), 0U);
  EXPECT_EQ(json["languages"].dump(), "{}");
  EXPECT_EQ(json["non_cacheable"].dump(), "{}");
}

TEST(Figures, SumTheRefusedObjectsAndKeepTheirReasons) {
  Figures figures;
  figures.refused = {{"read-only", 40}, {"too large", 2}};

  const auto json = to_json(figures);

  EXPECT_EQ(json["refused"].count(), 42U);
  EXPECT_EQ(json["refused_reasons"]["read-only"].count(), 40U);
}

TEST(Figures, SurviveTheRoundTrip) {
  for (const auto& figures : {tests::warm_figures(), tests::read_only_figures(), Figures{}}) {
    const auto json = to_json(figures);
    const auto again = from_json(parsed(json.dump()));
    ASSERT_THAT(again, Succeeds());
    EXPECT_EQ(to_json(*again).dump(), json.dump());
  }
}

TEST(Figures, TolerateMembersTheyDoNotKnow) {
  const auto figures = from_json(parsed(R"({"schema":1,"tag":"t","future":{"x":[1]},"hits":3})"));

  ASSERT_THAT(figures, Succeeds());
  EXPECT_EQ(figures->tag, "t");
  EXPECT_EQ(figures->hits, 3U);
  EXPECT_EQ(figures->misses, std::nullopt);
}

TEST(Figures, RefuseAnotherSchema) {
  EXPECT_THAT(from_json(parsed(R"({"schema":2})")), FailsWith(Errc::invalid));
  EXPECT_THAT(from_json(parsed(R"({"tag":"t"})")), FailsSaying("schema"));
  EXPECT_THAT(from_json(parsed("[]")), FailsSaying("object"));
}

TEST(Figures, RefuseMembersOfTheWrongTypeAndNameThem) {
  for (const auto* member :
       {R"("hits":"3")", R"("hits":-1)", R"("tag":7)", R"("languages":{"C":3})", R"("non_cacheable":[1])",
        R"("notes":"x")", R"("latency_ms":4)", R"("hit_rate":{})"}) {
    const auto name = std::string_view(member).substr(1, std::string_view(member).find('"', 1) - 1);
    const auto figures = from_json(parsed(fmt::format(R"({{"schema":1,{}}})", member)));
    EXPECT_THAT(figures, FailsWith(Errc::invalid)) << member;
    EXPECT_THAT(figures, FailsSaying(std::string(name))) << member;
  }
}

}  // namespace
}  // namespace agent::report
