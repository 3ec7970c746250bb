// The wire contract of key rows, a test for each row of docs/protocols/boringcache.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <set>
#include <thread>

#include "tests/server/api_fixture.hpp"

namespace agent::server::tests {
namespace {

class KeyRows : public Api {
protected:
  static io::Json row(std::string_view key, std::string_view content = "payload") {
    return io::JsonObject{{"namespace", "sccache"},
                          {"scoped_key", fmt::format("sccache/{}", key)},
                          {"blob_digest", digest_of(content)},
                          {"size_bytes", content.size()}};
  }

  Reply upsert(std::string_view tag, io::JsonArray rows, const Ask& ask = {}) {
    return server_.call(
        "POST", "/cache-kv-entries",
        io::JsonObject{{"tag", tag}, {"tags", io::JsonArray{tag}}, {"entries", std::move(rows)}}, ask);
  }

  static std::vector<std::string> keys_of(const Reply& reply) {
    std::vector<std::string> keys;
    for (const auto& entry : *reply.body["entries"].array()) {
      keys.push_back(entry.text("scoped_key"));
    }
    return keys;
  }
};

TEST_F(KeyRows, OfAnUnknownTagAreNone) {
  const auto reply = server_.call("GET", "/cache-kv-entries?tag=none&limit=5000");

  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, io::Json(io::JsonObject{{"entries", io::JsonArray()}}));
}

TEST_F(KeyRows, AreReadAsSoonAsTheyAreAnswered) {
  put("payload");

  const auto answered = upsert("rust", {row("b"), row("a")});
  const auto listed = server_.call("GET", "/cache-kv-entries?tag=rust&limit=5000");

  EXPECT_EQ(answered.status, 200) << answered.text;
  EXPECT_EQ(answered.body["entries"].array()->size(), 2);
  EXPECT_THAT(keys_of(listed), testing::ElementsAre("sccache/a", "sccache/b"));
  const auto& first = listed.body["entries"].array()->front();
  EXPECT_EQ(first.text("namespace"), "sccache");
  EXPECT_EQ(first["blob"].text("digest"), digest_of("payload"));
  EXPECT_EQ(first["blob"]["size_bytes"].count(), 7);
  EXPECT_FALSE(first.text("last_written_at").empty());
  EXPECT_TRUE(listed.body["next_cursor"].is_null());
}

TEST_F(KeyRows, TheLastWriterOfARowWinsAndOthersStay) {
  put("payload");
  put("another");
  ASSERT_EQ(upsert("rust", {row("a"), row("b")}).status, 200);

  ASSERT_EQ(upsert("rust", {row("a", "another")}).status, 200);

  const auto listed = server_.call("GET", "/cache-kv-entries?tag=rust");
  EXPECT_THAT(keys_of(listed), testing::ElementsAre("sccache/a", "sccache/b"));
  EXPECT_EQ(listed.body["entries"].array()->front()["blob"].text("digest"), digest_of("another"));
}

TEST_F(KeyRows, ComeInPages) {
  put("payload");
  ASSERT_EQ(upsert("rust", {row("a"), row("b"), row("c")}).status, 200);

  const auto first = server_.call("GET", "/cache-kv-entries?tag=rust&limit=2");
  const auto second =
      server_.call("GET", "/cache-kv-entries?tag=rust&limit=2&cursor=" + first.body.text("next_cursor"));

  EXPECT_THAT(keys_of(first), testing::ElementsAre("sccache/a", "sccache/b"));
  EXPECT_THAT(keys_of(second), testing::ElementsAre("sccache/c"));
  EXPECT_TRUE(second.body["next_cursor"].is_null());
  expect_refusal(server_.call("GET", "/cache-kv-entries?tag=rust&cursor=zz"), 400, "invalid_request");
}

TEST_F(KeyRows, AreSummedUpWithEachBlobOnce) {
  put("payload");
  ASSERT_EQ(upsert("rust", {row("a"), row("b")}).status, 200);

  const auto summary = server_.call("GET", "/cache-kv-entries?tag=rust&summary=true");

  EXPECT_EQ(summary.body["entry_count"].count(), 2);
  EXPECT_EQ(summary.body["total_size_bytes"].count(), 7);
}

TEST_F(KeyRows, GoToSeveralTags) {
  put("payload");
  const io::Json body(io::JsonObject{
      {"tag", "one"}, {"tags", io::JsonArray{"one", "two"}}, {"entries", io::JsonArray{row("a")}}});

  ASSERT_EQ(server_.call("POST", "/cache-kv-entries", body).status, 200);

  EXPECT_THAT(keys_of(server_.call("GET", "/cache-kv-entries?tag=one")), testing::SizeIs(1));
  EXPECT_THAT(keys_of(server_.call("GET", "/cache-kv-entries?tag=two")), testing::SizeIs(1));
}

TEST_F(KeyRows, OfBlobsThatAreNotThereAreRefusedAltogether) {
  put("payload");

  const auto refused = upsert("rust", {row("a"), row("b", "never uploaded")});

  expect_refusal(refused, 422, "blobs_missing");
  EXPECT_EQ(refused.body["details"], io::Json(io::JsonArray{digest_of("never uploaded")}));
  EXPECT_THAT(keys_of(server_.call("GET", "/cache-kv-entries?tag=rust")), testing::IsEmpty());
}

TEST_F(KeyRows, AreRefusedWhereTheyAreNone) {
  const auto without = [&](const char* member) {
    auto object = *row("a").object();
    object.erase(member);
    return upsert("rust", {object});
  };
  for (const auto* const member : {"scoped_key", "blob_digest", "size_bytes"}) {
    expect_refusal(without(member), 400, "invalid_request");
  }
  expect_refusal(upsert("../x", {row("a")}), 400, "invalid_request");
  expect_refusal(upsert("rust", io::JsonArray(2001, row("a"))), 400, "invalid_request");
  expect_refusal(upsert("rust", {row(std::string(2000, 'k'))}), 400, "invalid_request");
}

TEST_F(KeyRows, ATokensPrefixesSayWhichTagsItWrites) {
  put("payload");
  const Ask limited{
      .token = server_.token(
          {{"name", "pr"}, {"access_level", "save"}, {"write_tag_prefixes", io::JsonArray{"pr-7-"}}})};

  expect_refusal(upsert("main", {row("a")}, limited), 403, "tag_not_writable");
  EXPECT_EQ(upsert("pr-7-x", {row("a")}, limited).status, 200);
}

TEST_F(KeyRows, GiveUrlsForAnyBlobOfTheWorkspace) {
  put("payload");
  auto body = *RunningServer::blobs("payload").object();
  body["tag"] = "none";

  const auto reply = server_.call("POST", "/cache-kv-entries/download-urls", body);

  EXPECT_EQ(server_.blob("GET", reply.body["download_urls"].array()->front().text("url")).text, "payload");
}

TEST_F(KeyRows, AreDeletedWithTheirTag) {
  put("payload");
  ASSERT_EQ(upsert("rust", {row("a")}).status, 200);

  const auto deleted = server_.call("DELETE", "/caches", io::JsonObject{{"entries", io::JsonArray{"rust"}}});

  EXPECT_EQ(deleted.body.array()->front().text("status"), "deleted");
  EXPECT_THAT(keys_of(server_.call("GET", "/cache-kv-entries?tag=rust")), testing::IsEmpty());
}

TEST_F(KeyRows, OfSixteenWritersAreAllThereAndEachReadsItsOwn) {
  constexpr int k_writers = 16;
  constexpr int k_rounds = 10;
  put("payload");
  {
    std::latch start(k_writers);
    std::vector<std::jthread> writers;
    for (int writer = 0; writer < k_writers; ++writer) {
      writers.emplace_back([&, writer] {
        start.arrive_and_wait();
        for (int round = 0; round < k_rounds; ++round) {
          const auto key = fmt::format("w{:02}-{}", writer, round);
          EXPECT_EQ(upsert("rust", {row(key)}).status, 200);
          const auto keys = keys_of(server_.call("GET", "/cache-kv-entries?tag=rust"));
          EXPECT_EQ(std::ranges::count(keys, "sccache/" + key), 1) << key;
        }
      });
    }
  }

  EXPECT_THAT(keys_of(server_.call("GET", "/cache-kv-entries?tag=rust")),
              testing::SizeIs(k_writers * k_rounds));
}

TEST_F(KeyRows, AreKeptInFewObjectsHoweverManyWritersThereAre) {
  constexpr int k_writers = 4;
  constexpr int k_upserts = 40;
  put("payload");
  {
    std::vector<std::jthread> writers;
    for (int writer = 0; writer < k_writers; ++writer) {
      writers.emplace_back([&, writer] {
        for (int i = 0; i < k_upserts; ++i) {
          EXPECT_EQ(upsert("rust", {row(fmt::format("{}-{}", writer, i)), row("shared")}).status, 200);
        }
      });
    }
  }

  EXPECT_THAT(keys_of(server_.call("GET", "/cache-kv-entries?tag=rust")),
              testing::SizeIs((k_writers * k_upserts) + 1));
  const auto files = std::filesystem::recursive_directory_iterator(server_.folder() / "rows");
  EXPECT_LT(std::ranges::count_if(files, [](const auto& file) { return file.is_regular_file(); }), 60);
}

TEST_F(KeyRows, OfACurrentVersionAreReadByItAlone) {
  put("payload");
  put("another");
  ASSERT_EQ(upsert("rust", {row("a"), row("b"), row("c")}).status, 200);
  const auto keys = [](const std::vector<std::string_view>& names) {
    io::JsonArray entries;
    for (const auto name : names) {
      entries.emplace_back(
          io::JsonObject{{"namespace", "sccache"}, {"scoped_key", fmt::format("sccache/{}", name)}});
    }
    return io::Json(io::JsonObject{{"tag", "rust"}, {"entries", std::move(entries)}});
  };
  const auto* const current = "/cache-kv-entries?tag=rust&version=current";
  EXPECT_EQ(keys_of(server_.call("GET", current)).size(), 3) << "without a current version all rows are";

  const auto marked = server_.call("POST", "/cache-kv-entries/current-version", keys({"a", "c", "x"}));

  EXPECT_EQ(marked.status, 200) << marked.text;
  EXPECT_EQ(marked.body["requested_count"].count(), 3);
  EXPECT_EQ(marked.body["marked_count"].count(), 2);
  EXPECT_EQ(marked.body["missing_count"].count(), 1);
  EXPECT_EQ(marked.body["missing"].array()->front().text("scoped_key"), "sccache/x");
  EXPECT_FALSE(marked.body.text("current_kv_version").empty());
  EXPECT_THAT(keys_of(server_.call("GET", current)), testing::ElementsAre("sccache/a", "sccache/c"));
  EXPECT_EQ(keys_of(server_.call("GET", "/cache-kv-entries?tag=rust")).size(), 3);

  // What is written later is read as it is now, and a later version takes the place of the first.
  ASSERT_EQ(upsert("rust", {row("c", "another")}).status, 200);
  const auto reply = server_.call("GET", current);
  const auto& last = reply.body["entries"].array()->back();
  EXPECT_EQ(last["blob"].text("digest"), digest_of("another"));
  ASSERT_EQ(server_.call("POST", "/cache-kv-entries/current-version", keys({"b"})).status, 200);
  EXPECT_THAT(keys_of(server_.call("GET", current)), testing::ElementsAre("sccache/b"));
}

TEST_F(KeyRows, ATokensPrefixesSayWhoseCurrentVersionItMarks) {
  const auto token = server_.token(
      {{"name", "pr"}, {"access_level", "save"}, {"write_tag_prefixes", io::JsonArray{"pr-1-"}}});
  const io::Json wanted(io::JsonObject{{"tag", "rust"}, {"entries", io::JsonArray()}});

  expect_refusal(server_.call("POST", "/cache-kv-entries/current-version", wanted, {.token = token}), 403,
                 "tag_not_writable");
  expect_refusal(server_.call("POST", "/cache-kv-entries/current-version", io::JsonObject{{"tag", "-"}}), 400,
                 "invalid_request");
}

}  // namespace
}  // namespace agent::server::tests
