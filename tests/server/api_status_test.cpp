// The wire contract of what there is to see of a workspace, a test for each row of
// docs/protocols/boringcache.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/api_fixture.hpp"

namespace agent::server::tests {
namespace {

class Seen : public Api {
protected:
  static io::Json rollup(std::string_view result, std::uint64_t events) {
    return io::JsonObject{{"tool", "sccache"},
                          {"operation", "get"},
                          {"result", result},
                          {"event_count", events},
                          {"bytes_total", 100}};
  }

  static io::Json missed(std::string_view hash, std::uint64_t misses) {
    return io::JsonObject{
        {"tool", "sccache"}, {"key_hash", hash}, {"miss_count", misses}, {"sampled_key_prefix", "sccache/a"}};
  }

  void report(io::JsonObject body) {
    const auto reply = server_.call("POST", "/cache-rollups", io::Json(std::move(body)));
    EXPECT_EQ(reply.status, 200) << reply.text;
  }

  static void expect_members(const io::Json& json, const std::vector<const char*>& names) {
    for (const auto* const name : names) {
      EXPECT_FALSE(json[name].is_null()) << name << " in " << json.dump();
    }
  }
};

TEST_F(Seen, MissesAreAddedUpAndTheMostMissedComeFirst) {
  report({{"missed_keys", io::JsonArray{missed("aa", 1), missed("bb", 3)}}});
  report({{"missed_keys", io::JsonArray{missed("aa", 9)}}});

  const auto reply = server_.call("GET", "/misses?limit=1");

  ASSERT_EQ(reply.status, 200) << reply.text;
  const auto& first = reply.body["missed_keys"].array()->front();
  EXPECT_EQ(first.text("key_hash"), "aa");
  EXPECT_EQ(first["miss_count"].count(), 10);
  expect_members(first, {"tool", "last_seen_at", "sampled_key_prefix", "miss_state"});
  EXPECT_EQ(reply.body["pagination"]["total"].count(), 2);
  EXPECT_EQ(reply.body["pagination"]["has_more"].boolean(), true);
  const auto second = server_.call("GET", "/misses?limit=1&offset=1");
  EXPECT_EQ(second.body["missed_keys"].array()->front().text("key_hash"), "bb");
  EXPECT_EQ(second.body["pagination"]["has_more"].boolean(), false);
}

TEST_F(Seen, MissesOfLaterSessionsAreRecurring) {
  const auto of_session = [&](std::string_view id, io::JsonArray keys, std::uint64_t hits,
                              std::uint64_t misses) {
    report({{"rollups", io::JsonArray{rollup("hit", hits), rollup("miss", misses)}},
            {"sessions", io::JsonArray{io::JsonObject{{"session_id", id}}}},
            {"missed_keys", std::move(keys)}});
  };
  of_session("s1", {missed("aa", 2), missed("bb", 1)}, 0, 3);
  of_session("s2", {missed("aa", 1)}, 3, 1);

  const auto status = server_.call("GET", "/status").body;

  const auto& health = status["operations"]["cache_health"];
  EXPECT_EQ(health["cold_misses"].count(), 3);
  EXPECT_EQ(health["recurring_misses"].count(), 1);
  EXPECT_EQ(health["cold_pct"].number(), 75.0);
  EXPECT_EQ(health["recurring_pct"].number(), 25.0);
  EXPECT_EQ(health["warm_hit_rate"].number(), 75.0) << "of what somebody could have stored";
  EXPECT_EQ(status["tools"].array()->front()["recurring_misses"].count(), 1);
  EXPECT_EQ(status["tools"].array()->front()["new_key_misses"].count(), 3);
  const auto keys = *server_.call("GET", "/misses").body["missed_keys"].array();
  ASSERT_EQ(keys.size(), 2);
  EXPECT_EQ(keys[0].text("miss_state"), "recurring");
  EXPECT_EQ(keys[1].text("miss_state"), "cold");
}

TEST_F(Seen, StatusHasEveryNumberThatClientsRequire) {
  report(
      {{"rollups", io::JsonArray{rollup("hit", 3), rollup("miss", 1)}},
       {"sessions", io::JsonArray{io::JsonObject{
                        {"session_id", "s1"}, {"tool", "sccache"}, {"hit_count", 3}, {"miss_count", 1}}}}});
  ASSERT_EQ(server_.publish("rust", server_.entry("rust", "manifest"), {.if_match = "0"}).status, 200);
  ASSERT_EQ(server_.call("GET", "/caches?entries=rust").status, 200);

  const auto reply = server_.call("GET", "/status?period=7d&limit=5");

  ASSERT_EQ(reply.status, 200) << reply.text;
  const auto& body = reply.body;
  expect_members(body["workspace"], {"id", "name", "slug", "provisioned", "created_at", "updated_at"});
  expect_members(body["period"], {"key", "started_at", "ended_at"});
  const auto& inventory = body["inventory"];
  EXPECT_EQ(inventory["tagged_entries_count"].count(), 1);
  EXPECT_EQ(inventory["tagged_storage_bytes"].count(), 8);
  EXPECT_EQ(inventory["tagged_hits"].count(), 1);
  EXPECT_EQ(inventory["version_count"].count(), 1);
  expect_members(inventory, {"orphaned_entries_count", "orphaned_storage_bytes", "dedup_unique_bytes",
                             "dedup_logical_bytes", "dedup_savings_bytes", "dedup_ratio"});
  const auto& operations = body["operations"];
  EXPECT_EQ(operations["cache"]["total_hits"].count(), 3);
  EXPECT_EQ(operations["cache"]["hit_rate"].number(), 75.0) << "clients print percentages";
  EXPECT_EQ(operations["session_health"]["total_sessions"].count(), 1);
  expect_members(operations["runtime"], {"total_queries", "error_count", "error_rate", "avg_latency_ms"});
  expect_members(operations["cache_health"], {"warm_hit_rate", "total_misses", "degraded_pct"});
  expect_members(body["savings"], {"cache_hits", "bytes_served", "bytes_written", "cli_restores"});
  EXPECT_EQ(body["tools"].array()->front()["hits"].count(), 3);
  EXPECT_EQ(body["sessions"].array()->front()["hit_rate"].number(), 75.0);
  EXPECT_TRUE(body["missed_keys"].is_array());
}

TEST_F(Seen, SessionsComeInPagesOfAPeriod) {
  for (const auto* const id : {"s1", "s2", "s3"}) {
    report({{"sessions", io::JsonArray{io::JsonObject{{"session_id", id},
                                                      {"hit_count", 1},
                                                      {"session_duration_ms", 1500},
                                                      {"run_ref_name", "main"}}}}});
  }

  const auto reply = server_.call("GET", "/sessions?limit=2&period=30d");

  ASSERT_EQ(reply.status, 200) << reply.text;
  EXPECT_EQ(reply.body["sessions"].array()->size(), 2);
  EXPECT_EQ(reply.body["pagination"]["total"].count(), 3);
  EXPECT_EQ(reply.body["period"].text("key"), "30d");
  EXPECT_EQ(reply.body["session_health"]["total_sessions"].count(), 3);
  const auto& first = reply.body["sessions"].array()->front();
  EXPECT_EQ(first["duration_seconds"].number(), 1.5);
  EXPECT_EQ(first.text("run_ref_name"), "main");
  expect_members(first, {"hit_rate", "error_details", "missed_keys", "metadata_hints", "created_at"});
}

TEST_F(Seen, AWorkspaceWithoutReportsHasAStatusToo) {
  const auto reply = server_.call("GET", "/status?period=nonsense&limit=x");

  ASSERT_EQ(reply.status, 200) << reply.text;
  EXPECT_EQ(reply.body["period"].text("key"), "7d");
  EXPECT_EQ(reply.body["operations"]["cache"]["total_requests"].count(), 0);
  EXPECT_TRUE(reply.body["sessions"].array()->empty());
}

}  // namespace
}  // namespace agent::server::tests
