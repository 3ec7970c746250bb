// The wire contract of entries and tags, a test for each row of docs/protocols/boringcache.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <set>
#include <thread>

#include "agent/core/guarded.hpp"
#include "tests/server/api_fixture.hpp"

namespace agent::server::tests {
namespace {

using testing::HasSubstr;

TEST_F(Api, CreatesEntriesThatEchoWhatTheyAre) {
  const auto reply = server_.call("POST", "/caches", RunningServer::creation("rust", "manifest"));

  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(reply.body.text("tag"), "rust");
  EXPECT_FALSE(reply.body.text("cache_entry_id").empty());
  EXPECT_EQ(reply.body.text("storage_mode"), "cas");
  EXPECT_EQ(reply.body.text("cas_layout"), "file-v1");
  EXPECT_EQ(reply.body["exists"].boolean(), false);
  EXPECT_FALSE(reply.body.text("upload_session_id").empty());
  EXPECT_FALSE(reply.body.text("manifest_upload_url").empty());
}

TEST_F(Api, SaysThatAnEntryWithThisContentIsReady) {
  const auto entry = server_.entry("rust", "manifest");
  ASSERT_EQ(server_.publish("rust", entry, {.if_match = "0"}).status, 200);
  auto again = RunningServer::creation("rust", "manifest");
  auto cache = *again["cache"].object();
  cache.erase("force");

  const auto reply = server_.call("POST", "/caches", io::JsonObject{{"cache", cache}});

  EXPECT_EQ(reply.body["exists"].boolean(), true);
  EXPECT_EQ(reply.body.text("status"), "ready");
  EXPECT_EQ(reply.body.text("cache_entry_id"), entry);
}

TEST_F(Api, PublishesWithTheBootstrapAndThenWithTheVersion) {
  const auto first = server_.publish("rust", server_.entry("rust", "one"), {.if_match = "0"});
  ASSERT_EQ(first.status, 200) << first.text;
  const auto version = first.body.text("version");
  EXPECT_EQ(first.body.text("status"), "ready");
  EXPECT_EQ(first.body.text("manifest_root_digest"), digest_of("one"));

  const auto second = server_.publish("rust", server_.entry("rust", "two"), {.if_match = version});
  EXPECT_EQ(second.status, 200) << second.text;
  EXPECT_NE(second.body.text("version"), version);
  const auto quoted = server_.publish("rust", server_.entry("rust", "three"),
                                      {.if_match = "\"" + second.body.text("version") + "\""});
  EXPECT_EQ(quoted.status, 200) << quoted.text;
}

TEST_F(Api, RefusesToPublishOverWhatTheWriterHasNotSeen) {
  const auto first = server_.publish("rust", server_.entry("rust", "one"), {.if_match = "0"});
  ASSERT_EQ(first.status, 200);

  const auto lost = server_.publish("rust", server_.entry("rust", "two"), {.if_match = "0"});

  expect_refusal(lost, 412, "conflict");
  EXPECT_EQ(lost.body["current_pointer"].text("version"), first.body.text("version"));
  EXPECT_EQ(lost.body["current_pointer"].text("tag"), "rust");
  expect_refusal(server_.publish("none", server_.entry("none", "x"), {.if_match = "7.abc"}), 412, "conflict");
  expect_refusal(server_.publish("none", server_.entry("none", "x"), {}), 400, "if_match_missing");
}

TEST_F(Api, TakesARepeatedPublishForTheSame) {
  const auto entry = server_.entry("rust", "one");
  const auto first = server_.publish("rust", entry, {.if_match = "0"});

  const auto again = server_.publish("rust", entry, {.if_match = "0"});

  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.body.text("version"), first.body.text("version"));
}

TEST_F(Api, PublishesNothingThatCannotBeRestored) {
  const auto created = server_.call("POST", "/caches", RunningServer::creation("rust", "never uploaded"));
  const auto entry = created.body.text("cache_entry_id");

  const auto refused = server_.publish("rust", entry, {.if_match = "0"});

  expect_refusal(refused, 422, "blobs_missing");
  EXPECT_EQ(refused.body["details"], io::Json(io::JsonArray{digest_of("never uploaded")}));
  EXPECT_EQ(server_.call("GET", "/caches/tags/rust/pointer").status, 404);
}

TEST_F(Api, PublishesNothingWhoseStagedBlobsAreMissing) {
  auto wanted = *RunningServer::creation("rust", "manifest")["cache"].object();
  wanted["blob_count"] = 1;
  const auto created = server_.call("POST", "/caches", io::JsonObject{{"cache", wanted}});
  const auto entry = created.body.text("cache_entry_id");
  ASSERT_EQ(server_.blob("PUT", created.body.text("manifest_upload_url"), "manifest").status, 200);
  auto blobs = *RunningServer::blobs("payload").object();
  blobs["cache_entry_id"] = entry;
  const auto staged = server_.call("POST", "/caches/blobs/stage", blobs);

  expect_refusal(server_.publish("rust", entry, {.if_match = "0"}), 422, "blobs_missing");

  ASSERT_EQ(server_.blob("PUT", staged.body["upload_urls"].array()->front().text("url"), "payload").status,
            200);
  EXPECT_EQ(server_.publish("rust", entry, {.if_match = "0"}).status, 200);
}

TEST_F(Api, KnowsNoEntryThatWasNotCreated) {
  expect_refusal(server_.publish("rust", "e_000000000000000000000000", {.if_match = "0"}), 404, "not_found");
  expect_refusal(server_.publish("rust", "../../x", {.if_match = "0"}), 404, "not_found");
}

TEST_F(Api, ATokensPrefixesSayWhichTagsItMoves) {
  const Ask limited{
      .token = server_.token(
          {{"name", "pr"}, {"access_level", "save"}, {"write_tag_prefixes", io::JsonArray{"pr-7-"}}}),
      .if_match = "0"};
  const auto foreign = server_.entry("main", "x");

  expect_refusal(server_.call("POST", "/caches", RunningServer::creation("main", "y"), limited), 403,
                 "tag_not_writable");
  expect_refusal(server_.publish("main", foreign, limited), 403, "tag_not_writable");
  expect_refusal(
      server_.call("DELETE", "/caches", io::JsonObject{{"entries", io::JsonArray{"main"}}}, limited), 403,
      "tag_not_writable");
  EXPECT_EQ(server_.publish("pr-7-x", server_.entry("pr-7-x", "z", limited), limited).status, 200);
}

TEST_F(Api, PointersAnswerConditionally) {
  ASSERT_EQ(server_.publish("rust", server_.entry("rust", "one"), {.if_match = "0"}).status, 200);

  const auto pointer = server_.call("GET", "/caches/tags/rust/pointer");

  EXPECT_EQ(pointer.status, 200);
  EXPECT_EQ(pointer.body.text("tag"), "rust");
  EXPECT_FALSE(pointer.body.text("version").empty());
  const std::string etag(pointer.headers.get("ETag"));
  EXPECT_NE(etag, pointer.body.text("version"));
  const auto same = server_.call("GET", "/caches/tags/rust/pointer", {}, {.if_none_match = etag});
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.text, "");

  ASSERT_EQ(server_.publish("rust", server_.entry("rust", "two"), {.if_match = pointer.body.text("version")})
                .status,
            200);
  EXPECT_EQ(server_.call("GET", "/caches/tags/rust/pointer", {}, {.if_none_match = etag}).status, 200);
  expect_refusal(server_.call("GET", "/caches/tags/none/pointer"), 404, "not_found");
}

TEST_F(Api, RestoresByTagInTheOrderAsked) {
  ASSERT_EQ(server_.publish("rust", server_.entry("rust", "one"), {.if_match = "0"}).status, 200);

  const auto reply = server_.call("GET", "/caches?entries=none%2Crust");

  const auto* const results = reply.body.array();
  ASSERT_TRUE(results != nullptr && results->size() == 2) << reply.text;
  EXPECT_EQ((*results)[0], io::Json(io::JsonObject{{"tag", "none"}, {"status", "miss"}}));
  const auto& hit = (*results)[1];
  EXPECT_EQ(hit.text("tag"), "rust");
  EXPECT_EQ(hit.text("status"), "hit");
  EXPECT_EQ(hit.text("manifest_digest"), digest_of("one"));
  EXPECT_EQ(server_.blob("GET", hit.text("manifest_url")).text, "one");
}

TEST_F(Api, DeletesAtOnce) {
  const auto first = server_.publish("rust", server_.entry("rust", "one"), {.if_match = "0"});
  const io::Json both(io::JsonObject{{"entries", io::JsonArray{"rust", "none"}}});

  const auto reply = server_.call("DELETE", "/caches", both);

  ASSERT_TRUE(reply.body.is_array()) << reply.text;
  EXPECT_EQ((*reply.body.array())[0].text("status"), "deleted");
  EXPECT_EQ((*reply.body.array())[1].text("status"), "missing");
  EXPECT_EQ(server_.call("GET", "/caches/tags/rust/pointer").status, 404);
  const auto entry = server_.entry("rust", "two");
  expect_refusal(server_.publish("rust", entry, {.if_match = first.body.text("version")}), 412, "conflict");
  EXPECT_EQ(server_.publish("rust", entry, {.if_match = "0"}).status, 200);
}

TEST_F(Api, ChecksByPosition) {
  ASSERT_EQ(server_.publish("rust", server_.entry("rust", "one"), {.if_match = "0"}).status, 200);
  const auto check = [](std::string_view content) {
    return io::JsonObject{
        {"tag", "rust"}, {"manifest_root_digest", digest_of(content)}, {"lookup", "digest"}};
  };

  const auto reply =
      server_.call("POST", "/caches/check",
                   io::JsonObject{{"manifest_checks", io::JsonArray{check("two"), check("one")}}});

  const auto* const results = reply.body["results"].array();
  ASSERT_TRUE(results != nullptr && results->size() == 2) << reply.text;
  EXPECT_EQ((*results)[0]["exists"].boolean(), false);
  EXPECT_EQ((*results)[1]["exists"].boolean(), true);
}

TEST_F(Api, ListsTagsInPages) {
  for (const auto* const tag : {"b", "a", "rust-c"}) {
    ASSERT_EQ(server_.publish(tag, server_.entry(tag, "content"), {.if_match = "0"}).status, 200);
  }

  const auto page = server_.call("GET", "/tags?limit=2&offset=0");
  ASSERT_EQ(page.body["tags"].array()->size(), 2) << page.text;
  EXPECT_EQ(page.body["tags"].array()->front().text("name"), "a");
  EXPECT_EQ(page.body["tags"].array()->front()["stored_size_bytes"].count(), 7);
  EXPECT_EQ(page.body["pagination"]["has_more"].boolean(), true);
  EXPECT_EQ(page.body["pagination"]["total"].count(), 3);
  EXPECT_EQ(server_.call("GET", "/tags?filter=rust").body["pagination"]["total"].count(), 1);
  EXPECT_EQ(server_.call("GET", "/tags").body["pagination"]["has_more"].boolean(), false);
  EXPECT_EQ(server_.call("GET", "/caches?limit=10&page=1").body["total"].count(), 3);
}

TEST_F(Api, TellsWhoProducedAnEntry) {
  const Ask saver{.token = server_.token({{"name", "nightly"}, {"access_level", "save"}}), .if_match = "0"};
  ASSERT_EQ(server_.publish("rust", server_.entry("rust", "one", saver), saver).status, 200);

  const auto reply = server_.call("GET", "/caches/inspect/rust");

  EXPECT_THAT(reply.body["entry"].text("producer"), HasSubstr("nightly"));
  EXPECT_EQ(reply.body["identifier"].text("matched_by"), "tag");
  expect_refusal(server_.call("GET", "/caches/inspect/none"), 404, "not_found");
}

TEST_F(Api, ObjectsOfHearthThatAreWrittenOnceDoNotMove) {
  const auto first =
      server_.publish("hearth_packs_sab", server_.entry("hearth_packs_sab", "one"), {.if_match = "0"});
  ASSERT_EQ(first.status, 200);

  expect_refusal(server_.publish("hearth_packs_sab", server_.entry("hearth_packs_sab", "two"),
                                 {.if_match = first.body.text("version")}),
                 412, "conflict");

  const Ask limited{.token = server_.token({{"name", "pr"},
                                            {"access_level", "save"},
                                            {"write_tag_prefixes", io::JsonArray{"hearth_packs_s"}}})};
  expect_refusal(server_.call("DELETE", "/caches",
                              io::JsonObject{{"entries", io::JsonArray{"hearth_packs_sab"}}}, limited),
                 403, "tag_not_writable");
}

TEST_F(Api, OneOfSixteenPublishersWins) {
  constexpr int k_writers = 16;
  std::vector<std::string> entries;
  for (int i = 0; i < k_writers; ++i) {
    entries.push_back(server_.entry("rust", std::to_string(i)));
  }
  Guarded<std::multiset<int>> statuses;
  {
    std::latch start(k_writers);
    std::vector<std::jthread> writers;
    for (const auto& entry : entries) {
      writers.emplace_back([&] {
        start.arrive_and_wait();
        const auto status = server_.publish("rust", entry, {.if_match = "0"}).status;
        statuses.with([&](auto& all) { all.insert(status); });
      });
    }
  }

  statuses.with([](const auto& all) {
    EXPECT_EQ(all.count(200), 1);
    EXPECT_EQ(all.count(412), k_writers - 1);
  });
}

}  // namespace
}  // namespace agent::server::tests
