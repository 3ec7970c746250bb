#include "agent/server/reports.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/result_matchers.hpp"

namespace agent::server {
namespace {

using agent::tests::FailsWith;
using agent::tests::Succeeds;

io::Json rollup(std::string_view operation, std::string_view result, std::uint64_t events) {
  return io::JsonObject{{"tool", "sccache"},      {"operation", operation}, {"result", result},
                        {"event_count", events},  {"bytes_total", 10},      {"latency_sum_ms", 5},
                        {"latency_count", events}};
}

io::Json session(std::string_view id, std::uint64_t hits) {
  return io::JsonObject{{"session_id", id},       {"tool", "sccache"},
                        {"hit_count", hits},      {"miss_count", 1},
                        {"run_ref_name", "main"}, {"metadata_hints", io::JsonObject{{"phase", "warm"}}}};
}

DayReport parsed(io::JsonObject body, std::uint64_t now_ms = 1000) {
  const auto report = parse_report(io::Json(std::move(body)), {.producer = "t_1 main", .now_ms = now_ms});
  EXPECT_THAT(report, Succeeds());
  return report ? report->report : DayReport{};
}

TEST(Reports, CountReadsWritesAndQueriesByTheirResults) {
  const auto report = parsed(
      {{"rollups", io::JsonArray{rollup("get", "hit", 3), rollup("get", "miss", 1), rollup("put", "hit", 2),
                                 rollup("put", "error", 4), rollup("query", "error", 7)}}});

  const ToolCounts expected{.hits = 3,
                            .misses = 1,
                            .errors = 4,
                            .writes = 2,
                            .queries = 7,
                            .query_errors = 7,
                            .bytes_read = 10,
                            .bytes_written = 10,
                            .latency_sum_ms = 25,
                            .latency_count = 17};
  EXPECT_THAT(report.tools, testing::ElementsAre(testing::Pair("sccache", expected)));
}

TEST(Reports, AddMissesOfOneKey) {
  const auto missed = [](std::string_view hash, std::uint64_t misses) {
    return io::Json(io::JsonObject{
        {"tool", "sccache"}, {"key_hash", hash}, {"miss_count", misses}, {"sampled_key_prefix", "ab"}});
  };
  auto day = parsed({{"missed_keys", io::JsonArray{missed("a", 1), missed("b", 3)}}}, 1000);

  add(day, parsed({{"missed_keys", io::JsonArray{missed("a", 5)}}}, 2000));

  ASSERT_EQ(day.missed.size(), 2);
  EXPECT_EQ(day.missed[0].tool, "sccache");
  EXPECT_EQ(day.missed[0].hash, "a");
  EXPECT_EQ(day.missed[0].prefix, "ab");
  EXPECT_EQ(day.missed[0].misses, 6);
  EXPECT_EQ(day.missed[0].last_seen_ms, 2000);
  EXPECT_EQ(day.missed[1].hash, "b");
}

TEST(Reports, TakeTheLastReportOfASession) {
  auto day = parsed({{"sessions", io::JsonArray{session("s1", 2), session("s2", 10)}}}, 1000);

  add(day, parsed({{"sessions", io::JsonArray{session("s1", 5)}}}, 2000));

  EXPECT_EQ(day.totals.count, 2);
  EXPECT_EQ(day.totals.hits, 15);
  ASSERT_EQ(day.sessions.size(), 2);
  EXPECT_EQ(day.sessions[0].id, "s1");
  EXPECT_EQ(day.sessions[0].hits, 5);
  EXPECT_EQ(day.sessions[0].run.at("run_ref_name"), "main");
  EXPECT_EQ(day.sessions[0].hints.at("phase"), "warm");
  EXPECT_EQ(day.sessions[0].producer, "t_1 main");
}

io::Json missed(std::string_view hash, std::uint64_t misses) {
  return io::JsonObject{{"key_hash", hash}, {"miss_count", misses}};
}

TEST(Reports, CallMissesColdOfTheFirstSessionThatMissedAKey) {
  // Of one session there may be several reports, and days may be brought together in any order.
  const auto first = parsed({{"sessions", io::JsonArray{session("s1", 1)}},
                             {"missed_keys", io::JsonArray{missed("a", 2), missed("b", 1)}}},
                            1000);
  const auto more = parsed({{"rollups", io::JsonArray{io::JsonObject{{"session_id", "s1"}}}},
                            {"missed_keys", io::JsonArray{missed("a", 1)}}},
                           1500);
  const auto later = parsed(
      {{"sessions", io::JsonArray{session("s2", 1)}}, {"missed_keys", io::JsonArray{missed("a", 4)}}}, 2000);

  for (const auto& order : {std::vector{first, more, later}, std::vector{later, first, more}}) {
    DayReport day;
    for (const auto& report : order) {
      add(day, report);
    }

    ASSERT_EQ(day.missed.size(), 2);
    EXPECT_EQ(day.missed[0].cold, 3);
    EXPECT_EQ(day.missed[0].recurring(), 4);
    EXPECT_EQ(day.missed[1].cold, 1);
    EXPECT_EQ(day.missed[1].recurring(), 0);
  }
}

TEST(Reports, AreAddedUpInAnyOrderWhereTwoSessionsBeganInOneMillisecond) {
  const auto one = parsed(
      {{"sessions", io::JsonArray{session("s1", 1)}}, {"missed_keys", io::JsonArray{missed("a", 2)}}}, 1000);
  const auto other = parsed(
      {{"sessions", io::JsonArray{session("s2", 1)}}, {"missed_keys", io::JsonArray{missed("a", 1)}}}, 1000);

  for (const auto& order : {std::vector{one, other}, std::vector{other, one}}) {
    DayReport day;
    for (const auto& report : order) {
      add(day, report);
    }

    ASSERT_EQ(day.missed.size(), 1);
    EXPECT_EQ(day.missed[0].cold, 2);
    EXPECT_EQ(day.missed[0].recurring(), 1);
  }
}

TEST(Reports, RememberWhatWasMissedBeforeThePeriod) {
  const auto earlier = parsed({{"sessions", io::JsonArray{session("s1", 1)}},
                               {"missed_keys", io::JsonArray{missed("a", 1), missed("c", 1)}}},
                              1000);
  auto period = parsed({{"sessions", io::JsonArray{session("s2", 1)}},
                        {"missed_keys", io::JsonArray{missed("a", 1), missed("b", 1)}}},
                       2000);
  add(period,
      parsed({{"sessions", io::JsonArray{session("s1", 1)}}, {"missed_keys", io::JsonArray{missed("c", 1)}}},
             2000));

  know_earlier_misses(period, {earlier});

  for (const auto& key : period.missed) {
    EXPECT_EQ(key.cold, key.hash == "a" ? 0 : 1) << key.hash << ": of b nobody knew, c is of one session";
  }
}

TEST(Reports, KeepAsMuchAsFits) {
  DayReport day;
  DayReport many{.totals = {.count = 1'200}};
  for (std::uint64_t i = 0; i < 1'200; ++i) {
    const auto name = std::to_string(i);
    many.tools[name].hits = 1;
    many.missed.push_back({.tool = "t", .hash = name, .misses = i});
    many.sessions.push_back({.id = name, .received_ms = i});
  }

  add(day, many);

  EXPECT_LE(day.tools.size(), k_most_tools + 1);
  EXPECT_EQ(day.tools.at("other").hits, 1'200 - k_most_tools);
  EXPECT_EQ(day.missed.size(), k_most_kept_missed);
  EXPECT_EQ(day.missed.front().misses, 1'199);
  EXPECT_EQ(day.sessions.size(), k_most_kept_sessions);
  EXPECT_EQ(day.sessions.front().id, "1199");
  EXPECT_EQ(day.totals.count, 1'200);
}

TEST(Reports, SayWhereNotAllTagsFit) {
  DayReport day;
  for (std::size_t i = 0; i < k_most_used_tags; ++i) {
    add_use(day, std::to_string(i), 1);
  }
  EXPECT_TRUE(day.has_all_tags);

  add_use(day, "one-more", 1);
  add_use(day, "0", 4);

  EXPECT_FALSE(day.has_all_tags);
  EXPECT_EQ(day.tags.size(), k_most_used_tags);
  EXPECT_EQ(day.tags.at("0"), 5);
}

TEST(Reports, AreReadAsTheyWereWritten) {
  auto day = parsed({{"rollups", io::JsonArray{rollup("get", "hit", 3)}},
                     {"missed_keys", io::JsonArray{io::JsonObject{{"key_hash", "a"}, {"miss_count", 2}}}},
                     {"sessions", io::JsonArray{session("s1", 2)}}});
  add_use(day, "rust", 3);
  day.folded = {"reports/a/b/20000/1"};

  const auto read = parse_day_report(encode(day));

  ASSERT_THAT(read, Succeeds());
  EXPECT_EQ(*read, day);
}

TEST(Reports, RefuseWhatIsNone) {
  EXPECT_THAT(parse_report(io::Json(io::JsonObject{{"sessions", 1}}), {}), FailsWith(Errc::invalid));
  EXPECT_THAT(parse_report(io::Json(io::JsonObject{{"rollups", io::JsonArray(501, io::JsonObject())}}), {}),
              FailsWith(Errc::invalid));
  EXPECT_THAT(parse_day_report("{}"), FailsWith(Errc::corrupt));
  EXPECT_THAT(parse_day_report("no json"), FailsWith(Errc::corrupt));
  EXPECT_THAT(parse_day_report(R"({"format":2})"), FailsWith(Errc::unsupported));
}

TEST(Reports, DaysAreOfTheCalendar) {
  const auto day = day_of(begin_of(20'779) + std::chrono::hours(23));

  EXPECT_EQ(day, 20'779);
  EXPECT_EQ(date_of(day), "2026-11-22");
}

}  // namespace
}  // namespace agent::server
