// What clients, clocks and disks do wrong: always a status and a reason, never a published entry that cannot
// be restored.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <thread>

#include "tests/net/raw_client.hpp"
#include "tests/server/replicas.hpp"

namespace agent::server::tests {
namespace {

using namespace std::chrono_literals;
using agent::tests::Operation;
using agent::tests::Refuse;

class BadInput : public testing::Test {
protected:
  static void expect_refusal(const Reply& reply, int status, std::string_view code) {
    EXPECT_EQ(reply.status, status) << reply.text;
    EXPECT_EQ(reply.body.text("code"), code) << reply.text;
    EXPECT_FALSE(reply.body.text("error").empty()) << reply.text;
  }

  static io::Json named(const std::string& member, const std::string& name) {
    return io::JsonObject{{member, io::JsonArray{name}}};
  }

  SharedStorage shared_;
  Replica server_{shared_};
};

struct Route {
  const char* method;
  const char* path;
};

constexpr std::array k_routes = {Route{"POST", "/caches"},
                                 Route{"POST", "/caches/check"},
                                 Route{"POST", "/caches/blobs/stage"},
                                 Route{"POST", "/caches/blobs/upload-urls"},
                                 Route{"POST", "/caches/blobs/check"},
                                 Route{"POST", "/caches/blobs/download-urls"},
                                 Route{"PUT", "/caches/tags/t/publish"},
                                 Route{"PUT", "/caches/e_000000000000000000000000/finalize"},
                                 Route{"PATCH", "/caches/e_000000000000000000000000"},
                                 Route{"POST", "/caches/e_000000000000000000000000/multipart/complete"},
                                 Route{"DELETE", "/caches"},
                                 Route{"POST", "/upload-sessions/e_000000000000000000000000/blobs/commit"},
                                 Route{"POST", "/upload-sessions/e_000000000000000000000000/manifest/commit"},
                                 Route{"POST", "/cache-kv-entries"},
                                 Route{"POST", "/cache-kv-entries/download-urls"},
                                 Route{"POST", "/cache-kv-entries/current-version"},
                                 Route{"POST", "/cache-rollups"},
                                 Route{"POST", "/tokens"},
                                 Route{"POST", "/tokens/ci-pair"},
                                 Route{"PUT", "/limits"}};

TEST_F(BadInput, NoBodyMakesAnyCallFailWithoutAReason) {
  const std::vector<std::string> bodies = {
      "",
      "{",
      "[]",
      "null",
      "\"text\"",
      "1e400",
      "{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}",
      std::string("{\"tag\":\"\0\"}", 11),
      R"({"tag":"\ud800","tags":["\ud800"],"entries":[{}]})",
      R"({"cache":1})",
      R"({"cache":{"tag":5,"manifest_root_digest":[],"total_size_bytes":"x"}})",
      R"({"cache":{"tag":"t","manifest_root_digest":"sha256:x","total_size_bytes":-1,"compression_algorithm":"zstd"}})",
      R"({"cache":{"manifest_digest":"sha256:zz","manifest_size":18446744073709551616}})",
      R"({"blobs":{}})",
      R"({"blobs":[1]})",
      R"({"blobs":[{"digest":"sha256:","size_bytes":1.5}]})",
      R"({"blobs":[{"digest":5,"size_bytes":"x"}]})",
      R"({"entries":"x"})",
      R"({"tag":"../x","entries":[{"namespace":1,"scoped_key":{},"blob_digest":"x","size_bytes":-1}]})",
      R"({"receipts":[{"digest":"sha256:zz"}]})",
      R"({"manifest_digest":7,"manifest_size":"9"})",
      R"({"manifest_checks":[{"tag":[],"manifest_root_digest":{}}]})",
      R"({"multipart":{"upload_id":1,"parts":[{"part_number":-1,"etag":null}]}})",
      R"({"cache_entry_id":5,"publish_mode":"steal"})",
      R"({"rollups":{},"sessions":1,"missed_keys":[[]]})",
      R"({"token":{"name":1,"access_level":"root","write_tag_prefixes":"x"}})",
      R"({"token_pair":[],"limits":5})"};

  for (const auto& route : k_routes) {
    for (const auto& body : bodies) {
      const auto reply = server_.raw(route.method, route.path, body);

      EXPECT_LT(reply.status, 500) << route.method << ' ' << route.path << ' ' << body << ": " << reply.text;
      if (reply.status >= 400) {
        EXPECT_FALSE(reply.body.text("error").empty()) << route.path << ' ' << body << ": " << reply.text;
        EXPECT_FALSE(reply.body.text("code").empty()) << route.path << ' ' << body << ": " << reply.text;
      }
    }
  }
  EXPECT_EQ(server_.call("GET", "/tags").body["pagination"]["total"].count(), 0);
}

TEST_F(BadInput, UnknownTagsAreMissesAndNoFailures) {
  EXPECT_EQ(server_.call("GET", "/caches?entries=none").body.array()->front().text("status"), "miss");
  EXPECT_EQ(server_.call("GET", "/cache-kv-entries?tag=none").text, "{\"entries\":[]}\n");
  EXPECT_EQ(server_.call("GET", "/cache-kv-entries?tag=none&summary=true").body["entry_count"].count(), 0);
  EXPECT_EQ(server_.call("DELETE", "/caches", named("entries", "none")).body.array()->front().text("status"),
            "missing");
  expect_refusal(server_.call("GET", "/caches/tags/none/pointer"), 404, "not_found");
  expect_refusal(server_.call("GET", "/caches/inspect/none"), 404, "not_found");
  const auto marked = server_.call(
      "POST", "/cache-kv-entries/current-version",
      io::JsonObject{{"tag", "none"}, {"entries", io::JsonArray{io::JsonObject{{"scoped_key", "k"}}}}});
  EXPECT_EQ(marked.status, 200) << marked.text;
  EXPECT_EQ(marked.body["missing_count"].count(), 1);
}

TEST_F(BadInput, APublishWhoseManifestLiesMovesNothing) {
  const auto entry = server_.entry("rust", "manifest");
  const auto publish = [&](const std::string& digest, std::uint64_t size) {
    return server_.call(
        "PUT", "/caches/tags/rust/publish",
        io::JsonObject{{"cache_entry_id", entry},
                       {"publish_mode", "cas"},
                       {"cache", io::JsonObject{{"manifest_digest", digest}, {"manifest_size", size}}}},
        {.if_match = "0"});
  };

  expect_refusal(publish(digest_of("manifest"), 9), 422, "blobs_missing");
  expect_refusal(publish(digest_of("another"), 8), 422, "blobs_missing");
  EXPECT_EQ(server_.call("GET", "/caches/tags/rust/pointer").status, 404);
  EXPECT_EQ(publish(digest_of("manifest"), 8).status, 200);
}

TEST_F(BadInput, ATokenEndsWhileItIsInUse) {
  const auto made = server_.call("POST", "/tokens",
                                 io::JsonObject{{"token", io::JsonObject{{"name", "short"},
                                                                         {"access_level", "save"},
                                                                         {"expires_in_seconds", 60}}}});
  const Ask ask{.token = made.body.text("value")};
  const auto staged = server_.call("POST", "/caches/blobs/stage", RunningServer::blobs("content"), ask);
  ASSERT_EQ(staged.status, 200) << staged.text;

  server_.clock().advance(61s);

  const auto refused = server_.call("GET", "/tags", {}, ask);
  expect_refusal(refused, 401, "unauthorized");
  EXPECT_EQ(refused.headers.get("WWW-Authenticate"), "Bearer");
  // What was granted before it ended goes on to its own end.
  const auto url = staged.body["upload_urls"].array()->front().text("url");
  EXPECT_EQ(server_.blob("PUT", url, "content").status, 200);
}

TEST_F(BadInput, ServersWhoseClocksDifferServeEachOthersClients) {
  Replica ahead(shared_);
  ahead.clock().advance(10min);

  const auto early = ahead.upload_url("early");
  const auto late = server_.upload_url("late");
  EXPECT_EQ(server_.blob("PUT", early, "early").status, 200);
  EXPECT_EQ(ahead.blob("PUT", late, "late").status, 200);

  const auto first = ahead.publish("rust", ahead.entry("rust", "one"), "0");
  ASSERT_EQ(first.status, 200) << first.text;
  const auto second = server_.publish("rust", server_.entry("rust", "two"), first.body.text("version"));
  EXPECT_EQ(second.status, 200) << "versions, not times, say who was first: " << second.text;
  EXPECT_EQ(ahead.call("GET", "/caches/tags/rust/pointer").body.text("version"), second.body.text("version"));
  expect_refusal(ahead.publish("rust", ahead.entry("rust", "three"), first.body.text("version")), 412,
                 "conflict");
}

// The client goes away in the middle of a body.
TEST_F(BadInput, AnUploadThatEndsHalfwayLeavesNothing) {
  const std::string content(200'000, 'x');
  const auto created = server_.call("POST", "/caches", RunningServer::creation("rust", content));
  const auto url = created.body.text("manifest_upload_url");
  {
    const net::tests::RawClient client(server_.port());
    ASSERT_TRUE(
        client.send(fmt::format("PUT {} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}",
                                url.substr(url.find("/v2/")), content.size(), content.substr(0, 100'000))));
  }
  const auto is_spooled = [&] { return !std::filesystem::is_empty(server_.spool()); };
  for (int i = 0; i < 200 && is_spooled(); ++i) {
    std::this_thread::sleep_for(5ms);
  }

  EXPECT_FALSE(is_spooled());
  const auto entry = created.body.text("cache_entry_id");
  expect_refusal(server_.publish("rust", entry, "0"), 422, "blobs_missing");
  ASSERT_EQ(server_.blob("PUT", url, content).status, 200) << "the same URL takes it whole";
  EXPECT_EQ(server_.publish("rust", entry, "0").status, 200);
}

TEST_F(BadInput, AFullDiskIsSaidAndWhatWasPublishedStays) {
  const auto kept = server_.publish("kept", server_.entry("kept", "one"), "0");
  ASSERT_EQ(kept.status, 200);
  const auto entry = server_.entry("rust", "two");
  const auto upload = server_.upload_url("payload");
  shared_.storage.set_script([](Operation operation, std::string_view) {
    const bool writes = operation == Operation::put || operation == Operation::swap;
    return writes ? std::optional<agent::tests::Fault>(
                        Refuse{Error{.code = Errc::full, .message = "no space left on device"}})
                  : std::nullopt;
  });

  expect_refusal(server_.blob("PUT", upload, "payload"), 507, "storage_full");
  expect_refusal(server_.call("POST", "/caches", RunningServer::creation("x", "y")), 507, "storage_full");
  expect_refusal(server_.publish("rust", entry, "0"), 507, "storage_full");
  const io::Json row(io::JsonObject{{"namespace", "sccache"},
                                    {"scoped_key", "sccache/k"},
                                    {"blob_digest", digest_of("one")},
                                    {"size_bytes", 3}});
  const io::Json rows(io::JsonObject{{"tag", "rows"}, {"entries", io::JsonArray{row}}});
  expect_refusal(server_.call("POST", "/cache-kv-entries", rows), 507, "storage_full");
  EXPECT_EQ(server_.call("GET", "/cache-kv-entries?tag=rows").text, "{\"entries\":[]}\n");
  const auto hit = server_.call("GET", "/caches?entries=kept").body.array()->front();
  EXPECT_EQ(server_.blob("GET", hit.text("manifest_url")).text, "one");

  shared_.storage.set_script({});
  EXPECT_EQ(server_.publish("rust", entry, "0").status, 200) << "once there is room";
  EXPECT_EQ(server_.blob("PUT", upload, "payload").status, 200);
}

}  // namespace
}  // namespace agent::server::tests
