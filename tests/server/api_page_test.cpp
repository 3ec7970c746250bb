// What the page for people asks for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/backends/boringcache_names.hpp"
#include "agent/publish/manifest.hpp"
#include "agent/publish/pointer.hpp"
#include "tests/server/api_fixture.hpp"

namespace agent::server::tests {
namespace {

class ForThePage : public Api {};

TEST_F(ForThePage, IsOneAnswerWithTagsDaysSessionsAndMisses) {
  const auto rollup = [](std::string_view result, std::uint64_t events) {
    return io::Json(io::JsonObject{{"tool", "sccache"},
                                   {"operation", "get"},
                                   {"result", result},
                                   {"event_count", events},
                                   {"bytes_total", 100}});
  };
  ASSERT_EQ(
      server_
          .call("POST", "/cache-rollups",
                io::JsonObject{{"rollups", io::JsonArray{rollup("hit", 3), rollup("miss", 1)}},
                               {"sessions", io::JsonArray{io::JsonObject{{"session_id", "s1"},
                                                                         {"tool", "sccache"},
                                                                         {"hit_count", 3},
                                                                         {"miss_count", 1},
                                                                         {"run_ref_name", "main"}}}},
                               {"missed_keys", io::JsonArray{io::JsonObject{{"tool", "sccache"},
                                                                            {"key_hash", "aa"},
                                                                            {"miss_count", 5},
                                                                            {"sampled_key_prefix", "a/b"}}}}})
          .status,
      200);
  ASSERT_EQ(server_.publish("rust", server_.entry("rust", "manifest"), {.if_match = "0"}).status, 200);

  const auto reply = server_.call("GET", "/usage?days=7");

  ASSERT_EQ(reply.status, 200) << reply.text;
  const auto& body = reply.body;
  EXPECT_EQ(body["hit_rate"].number(), 0.75);
  EXPECT_EQ(body["session_count"].count(), 1);
  ASSERT_EQ(body["days"].array()->size(), 7);
  const auto& today = body["days"].array()->back();
  EXPECT_EQ(today["hits"].count(), 3);
  EXPECT_EQ(today["misses"].count(), 1);
  EXPECT_EQ(today.text("date").size(), 10);
  const auto& tag = body["tags"].array()->front();
  EXPECT_EQ(tag.text("name"), "rust");
  EXPECT_EQ(tag["bytes"].count(), 8);
  EXPECT_GT(tag["published_ms"].count(), 0);
  EXPECT_EQ(body["sessions"].array()->front().text("run"), "main");
  EXPECT_EQ(body["missed_keys"].array()->front().text("prefix"), "a/b");
}

TEST_F(ForThePage, HearthsOwnTagsSayHowMuchTheyHold) {
  publish::Manifest manifest{.generation = 1};
  manifest.packs.push_back({.digest = io::sha256(io::bytes_of("a")), .size_bytes = 1'000, .objects = 7});
  const auto bytes = publish::encode(manifest);
  ASSERT_THAT(bytes, agent::tests::Succeeds());
  auto pointer = publish::pointer_to({.repository = "r", .scope = "s", .tag = "t"}, 1, *bytes);
  const std::string embedded("hearth_tags_sr_ss_st");
  ASSERT_EQ(
      server_.publish(embedded, server_.entry(embedded, publish::encode(pointer)), {.if_match = "0"}).status,
      200);
  const auto manifest_tag = backends::tag_of_object(publish::manifest_name(pointer.manifest)).value();
  pointer.embedded.reset();
  const std::string named("hearth_tags_sr_ss_su");
  ASSERT_EQ(server_.publish(named, server_.entry(named, publish::encode(pointer)), {.if_match = "0"}).status,
            200);
  ASSERT_EQ(server_.publish(manifest_tag, server_.entry(manifest_tag, *bytes), {.if_match = "0"}).status,
            200);
  const std::string broken("hearth_tags_sr_ss_sv");
  ASSERT_EQ(server_.publish(broken, server_.entry(broken, "no pointer"), {.if_match = "0"}).status, 200);

  const auto tags = *server_.call("GET", "/usage?days=1").body["tags"].array();

  ASSERT_EQ(tags.size(), 3);
  EXPECT_EQ(tags[1].text("name"), "r s t") << "repository, scope and tag";
  for (const auto& tag : tags) {
    const bool is_readable = tag.text("name") != "r/s/v";
    EXPECT_EQ(tag["bytes"].count(), is_readable ? std::optional<std::uint64_t>(1'000) : std::nullopt)
        << tag.dump();
    EXPECT_EQ(tag["rows"].count(), is_readable ? std::optional<std::uint64_t>(7) : std::nullopt)
        << tag.dump();
  }
}

TEST_F(ForThePage, AWorkspaceWithoutAnythingHasNoRate) {
  const auto reply = server_.call("GET", "/usage?days=100000");

  ASSERT_EQ(reply.status, 200) << reply.text;
  EXPECT_TRUE(reply.body["hit_rate"].is_null());
  EXPECT_EQ(reply.body["days"].array()->size(), 90);
  EXPECT_TRUE(reply.body["tags"].array()->empty());
}

TEST_F(ForThePage, TakesATokenThatRestores) {
  const auto reader = server_.token({{"name", "reader"}, {"access_level", "restore"}});

  EXPECT_EQ(server_.call("GET", "/usage", {}, {.token = reader}).status, 200);
  expect_refusal(server_.call("GET", "/usage", {}, {.token = "nobody's"}), 401, "unauthorized");
}

}  // namespace
}  // namespace agent::server::tests
