// The wire contract of blobs, a test for each row of docs/protocols/boringcache.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/backends/disk_directory.hpp"
#include "agent/server/garbage.hpp"
#include "tests/server/api_fixture.hpp"

namespace agent::server::tests {
namespace {

TEST_F(Api, RefusesMoreBlobsThanABatchHas) {
  io::JsonArray many(501, io::JsonObject{{"digest", digest_of("x")}, {"size_bytes", 1}});

  expect_refusal(server_.call("POST", "/caches/blobs/stage", io::JsonObject{{"blobs", std::move(many)}}), 400,
                 "invalid_request");
}

TEST_F(Api, StagesBlobsThatItDoesNotHaveAndNamesThoseItHas) {
  const auto before = server_.call("POST", "/caches/blobs/stage", RunningServer::blobs("payload"));
  EXPECT_EQ(before.body["already_present"].array()->size(), 0);
  ASSERT_EQ(before.body["upload_urls"].array()->size(), 1);
  EXPECT_EQ(before.body["upload_urls"].array()->front().text("digest"), digest_of("payload"));

  put("payload");

  const auto after = server_.call("POST", "/caches/blobs/stage", RunningServer::blobs("payload"));
  EXPECT_EQ(after.body["upload_urls"].array()->size(), 0);
  EXPECT_EQ(after.body["already_present"], io::Json(io::JsonArray{digest_of("payload")}));
}

TEST_F(Api, RefusesASizeThatLies) {
  put("payload");
  const io::Json lie(io::JsonObject{
      {"blobs", io::JsonArray{io::JsonObject{{"digest", digest_of("payload")}, {"size_bytes", 6}}}}});

  expect_refusal(server_.call("POST", "/caches/blobs/stage", lie), 400, "size_mismatch");
}

TEST_F(Api, TakesOnlyTheBytesThatWereAnnounced) {
  const auto url = upload_url("payload");

  expect_refusal(server_.blob("PUT", url, "PAYLOAD"), 400, "digest_mismatch");
  expect_refusal(server_.blob("PUT", url, "payload and more"), 400, "size_mismatch");
  expect_refusal(server_.blob("PUT", url, "pay"), 400, "size_mismatch");
  EXPECT_EQ(download_url("payload"), "");

  const auto taken = server_.blob("PUT", url, "payload");
  EXPECT_EQ(taken.status, 200);
  EXPECT_FALSE(taken.headers.get("ETag").empty());
}

TEST_F(Api, ChecksBlobsByPosition) {
  put("there");
  const io::Json both(io::JsonObject{
      {"blobs", io::JsonArray{io::JsonObject{{"digest", digest_of("missing")}, {"size_bytes", 0}},
                              io::JsonObject{{"digest", digest_of("there")}, {"size_bytes", 0}}}}});

  const auto reply = server_.call("POST", "/caches/blobs/check", both);

  const auto* const results = reply.body["results"].array();
  ASSERT_TRUE(results != nullptr && results->size() == 2) << reply.text;
  EXPECT_EQ((*results)[0]["exists"].boolean(), false);
  EXPECT_EQ((*results)[1]["exists"].boolean(), true);
}

TEST_F(Api, GivesUrlsForWhatIsThereAndNamesWhatIsMissing) {
  put("there");

  EXPECT_EQ(server_.blob("GET", download_url("there")).text, "there");
  const auto missing = server_.call("POST", "/caches/blobs/download-urls", RunningServer::blobs("missing"));
  EXPECT_EQ(missing.status, 200);
  EXPECT_EQ(missing.body["missing"], io::Json(io::JsonArray{digest_of("missing")}));
}

TEST_F(Api, SignedUrlsAreOfOneMethod) {
  put("payload");

  expect_refusal(server_.blob("GET", upload_url("another")), 403, "signature");
  expect_refusal(server_.blob("PUT", download_url("payload"), "payload"), 403, "signature");
  expect_refusal(server_.blob("DELETE", download_url("payload")), 403, "signature");
  EXPECT_EQ(server_.blob("HEAD", download_url("payload")).headers.get("Content-Length"), "7");
}

TEST_F(Api, SignedUrlsAreOfOneBlob) {
  put("payload");
  put("another");
  auto url = download_url("payload");
  const auto mine = io::sha256(io::bytes_of("payload")).hex();

  url.replace(url.find(mine), mine.size(), io::sha256(io::bytes_of("another")).hex());

  expect_refusal(server_.blob("GET", url), 403, "signature");
}

TEST_F(Api, ServesRanges) {
  put("0123456789");
  const auto url = download_url("0123456789");

  const auto part = server_.blob("GET", url, {}, "bytes=2-4");
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.text, "234");
  EXPECT_EQ(part.headers.get("Content-Range"), "bytes 2-4/10");
  EXPECT_EQ(server_.blob("GET", url, {}, "bytes=0-0").text, "0");
  EXPECT_EQ(server_.blob("GET", url, {}, "bytes=-3").text, "789");
  const auto beyond = server_.blob("GET", url, {}, "bytes=10-");
  expect_refusal(beyond, 416, "range");
  EXPECT_EQ(beyond.headers.get("Content-Range"), "bytes */10");
}

TEST_F(Api, TakesReceiptsForWhatWasUploaded) {
  const auto created = server_.call("POST", "/caches", RunningServer::creation("rust", "manifest"));
  const auto session = "/upload-sessions/" + created.body.text("upload_session_id");
  const io::Json receipts(
      io::JsonObject{{"receipts", io::JsonArray{io::JsonObject{{"digest", digest_of("payload")}}}}});
  const io::Json manifest(io::JsonObject{{"manifest_digest", digest_of("manifest")}, {"manifest_size", 8}});
  expect_refusal(server_.call("POST", session + "/blobs/commit", receipts), 422, "blobs_missing");
  expect_refusal(server_.call("POST", session + "/manifest/commit", manifest), 422, "blobs_missing");

  put("payload");
  ASSERT_EQ(server_.blob("PUT", created.body.text("manifest_upload_url"), "manifest").status, 200);

  const auto blobs = server_.call("POST", session + "/blobs/commit", receipts);
  EXPECT_EQ(blobs.status, 200) << blobs.text;
  EXPECT_EQ(blobs.body.text("cache_entry_id"), created.body.text("cache_entry_id"));
  EXPECT_FALSE(blobs.body.text("state").empty());
  EXPECT_EQ(server_.call("POST", session + "/manifest/commit", manifest).status, 200);
  expect_refusal(server_.call("POST", "/upload-sessions/e_000000000000000000000000/blobs/commit", receipts),
                 404, "not_found");
  expect_refusal(server_.call("POST", session + "/manifest/commit", io::JsonObject()), 400,
                 "invalid_request");
}

TEST_F(Api, AFullWorkspaceTakesNoMore) {
  const auto entry = server_.entry("rust", "manifest");
  const SystemClock clock;
  const auto disk = *backends::DiskDirectory::open(server_.folder(), clock);
  const Workspace workspace{.owner = "acme", .name = "ci"};
  ASSERT_THAT(disk->compare_and_swap(garbage_object(workspace), std::nullopt,
                                     encode(GarbageState{.used_bytes = 10, .limit_bytes = 10})),
              agent::tests::Succeeds());

  expect_refusal(server_.call("POST", "/caches/blobs/stage", RunningServer::blobs("more")), 507,
                 "storage_full");
  expect_refusal(server_.publish("rust", entry, {.if_match = "0"}), 507, "storage_full");
  EXPECT_EQ(server_.call("GET", "/caches?entries=rust").status, 200);
}

}  // namespace
}  // namespace agent::server::tests
