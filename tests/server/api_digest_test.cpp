// Entries without a tag, and entries that are published by their id: the wire contract, a test for each row
// of docs/protocols/boringcache.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/api_fixture.hpp"

namespace agent::server::tests {
namespace {

class ByDigest : public Api {
protected:
  Reply finalize(const std::string& entry, const Ask& ask = {}) {
    return server_.call("PUT", fmt::format("/caches/{}/finalize", entry),
                        io::JsonObject{{"cache", io::JsonObject()}}, ask);
  }

  Reply patch(const std::string& entry, const Ask& ask) {
    return server_.call("PATCH", "/caches/" + entry, io::JsonObject{{"cache", io::JsonObject()}}, ask);
  }
};

TEST_F(ByDigest, AnEntryWithoutATagIsRestoredByItsDigest) {
  const auto entry = server_.entry("", "manifest");
  const auto where = "/caches?manifest_root_digest=" + digest_of("manifest");
  EXPECT_EQ(server_.call("GET", where).body.array()->front().text("status"), "miss");

  const auto finalized = finalize(entry);
  const auto again = finalize(entry);
  const auto restored = server_.call("GET", where);

  EXPECT_EQ(finalized.status, 200) << finalized.text;
  EXPECT_EQ(finalized.body.text("status"), "ready");
  EXPECT_EQ(again.status, 200) << again.text;
  const auto& hit = restored.body.array()->front();
  EXPECT_EQ(hit.text("status"), "hit") << restored.text;
  EXPECT_EQ(hit.text("cache_entry_id"), entry);
  EXPECT_EQ(server_.blob("GET", hit.text("manifest_url")).text, "manifest");
  const auto checked = server_.call(
      "POST", "/caches/check",
      io::JsonObject{
          {"manifest_checks",
           io::JsonArray{io::JsonObject{
               {"tag", "none"}, {"manifest_root_digest", digest_of("manifest")}, {"lookup", "digest"}}}}});
  EXPECT_EQ(checked.body["results"].array()->front()["exists"].boolean(), true) << checked.text;
}

TEST_F(ByDigest, NothingIsFinalizedThatCannotBeRestored) {
  const auto created = server_.call("POST", "/caches", RunningServer::creation("", "manifest"));

  expect_refusal(finalize(created.body.text("cache_entry_id")), 422, "blobs_missing");
  expect_refusal(finalize("e_000000000000000000000000"), 404, "not_found");
}

TEST_F(ByDigest, ATokenForSomeTagsFinalizesNothing) {
  const auto token = server_.token(
      {{"name", "pr"}, {"access_level", "save"}, {"write_tag_prefixes", io::JsonArray{"pr-1-"}}});
  const auto entry = server_.entry("", "manifest");

  expect_refusal(finalize(entry, {.token = token}), 403, "tag_not_writable");
}

TEST_F(ByDigest, AnEntryIsPublishedByItsIdUnderTheSameConditions) {
  const auto first = server_.entry("rust", "one");
  const auto second = server_.entry("rust", "two");

  expect_refusal(patch(first, {}), 400, "if_match_missing");
  const auto published = patch(first, {.if_match = "0"});
  EXPECT_EQ(published.status, 200) << published.text;
  expect_refusal(patch(second, {.if_match = "0"}), 412, "conflict");
  EXPECT_EQ(patch(second, {.if_match = published.body.text("version")}).status, 200);
  EXPECT_EQ(server_.call("GET", "/caches/tags/rust/pointer").body.text("cache_entry_id"), second);
  const auto token = server_.token(
      {{"name", "pr"}, {"access_level", "save"}, {"write_tag_prefixes", io::JsonArray{"pr-1-"}}});
  expect_refusal(patch(first, {.token = token, .if_match = "0"}), 403, "tag_not_writable");
}

TEST_F(ByDigest, UploadUrlsAreThoseOfStaging) {
  const auto staged = server_.call("POST", "/caches/blobs/upload-urls", RunningServer::blobs("payload"));

  ASSERT_EQ(staged.status, 200) << staged.text;
  const auto url = staged.body["upload_urls"].array()->front().text("url");
  EXPECT_EQ(server_.blob("PUT", url, "payload").status, 200);
}

}  // namespace
}  // namespace agent::server::tests
