// Archives: the wire contract, a test for each row of docs/protocols/boringcache.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/server/archives.hpp"
#include "tests/server/api_fixture.hpp"

namespace agent::server::tests {
namespace {

class Archives : public Api {
protected:
  Reply create(std::uint64_t bytes, bool in_parts, bool with_manifest = true) {
    io::JsonObject cache{{"tag", "deps"},
                         {"manifest_root_digest", "root-" + std::to_string(bytes)},
                         {"compression_algorithm", "zstd"},
                         {"total_size_bytes", bytes},
                         {"use_multipart", in_parts}};
    if (with_manifest) {
      cache["expected_manifest_digest"] = digest_of("manifest");
      cache["expected_manifest_size"] = 8;
    }
    return server_.call("POST", "/caches", io::JsonObject{{"cache", std::move(cache)}});
  }

  Reply publish(const std::string& entry, std::uint64_t bytes) {
    return server_.call("PUT", "/caches/tags/deps/publish",
                        io::JsonObject{{"cache_entry_id", entry},
                                       {"publish_mode", "replace"},
                                       {"cache", io::JsonObject{{"manifest_digest", digest_of("manifest")},
                                                                {"manifest_size", 8},
                                                                {"archive_size", bytes}}}});
  }

  std::string restored() {
    const auto reply = server_.call("GET", "/caches?entries=deps");
    const auto& hit = reply.body.array()->front();
    EXPECT_EQ(hit.text("status"), "hit") << reply.text;
    EXPECT_EQ(server_.blob("GET", hit.text("manifest_url")).text, "manifest");
    const auto* const urls = hit["archive_urls"].array();
    return urls != nullptr ? server_.blob("GET", *urls->front().string()).text : std::string();
  }
};

TEST_F(Archives, AreUploadedWholeAndRestored) {
  const auto created = create(7, true);
  ASSERT_EQ(created.status, 201) << created.text;
  EXPECT_TRUE(created.body["storage_mode"].is_null());
  EXPECT_TRUE(created.body["upload_id"].is_null());
  const auto put = server_.blob("PUT", created.body.text("archive_upload_url"), "archive");
  EXPECT_EQ(put.status, 200) << put.text;
  EXPECT_FALSE(put.headers.get("ETag").empty());
  ASSERT_EQ(server_.blob("PUT", created.body.text("manifest_upload_url"), "manifest").status, 200);

  const auto published = publish(created.body.text("cache_entry_id"), 7);

  EXPECT_EQ(published.status, 200) << published.text;
  EXPECT_EQ(restored(), "archive");
}

TEST_F(Archives, AreUploadedInPartsAndJoined) {
  constexpr std::uint64_t k_bytes = (std::uint64_t{130} << 20U);
  const auto created = create(k_bytes, true);
  const auto* const urls = created.body["archive_part_urls"].array();
  ASSERT_NE(urls, nullptr) << created.text;
  ASSERT_EQ(urls->size(), 3);
  ASSERT_EQ(server_.blob("PUT", created.body.text("manifest_upload_url"), "manifest").status, 200);
  const auto entry = created.body.text("cache_entry_id");
  io::JsonArray parts;
  for (std::size_t i = 0; i < urls->size(); ++i) {
    const auto put = server_.blob("PUT", *(*urls)[i].string(), fmt::format("part {};", i));
    ASSERT_EQ(put.status, 200) << put.text;
    parts.emplace_back(io::JsonObject{{"part_number", std::uint64_t{i + 1}},
                                      {"etag", std::string(put.headers.get("ETag"))}});
  }
  expect_refusal(publish(entry, k_bytes), 422, "blobs_missing");

  const auto completed = server_.call(
      "POST", fmt::format("/caches/{}/multipart/complete", entry),
      io::JsonObject{
          {"multipart", io::JsonObject{{"upload_id", created.body.text("upload_id")}, {"parts", parts}}}});

  ASSERT_EQ(completed.status, 200) << completed.text;
  EXPECT_FALSE(completed.body.text("archive_etag").empty());
  EXPECT_EQ(publish(entry, 21).status, 200);
  EXPECT_EQ(restored(), "part 0;part 1;part 2;");
}

TEST_F(Archives, APartThatDidNotArriveIsNoSuchUpload) {
  const auto created = create(std::uint64_t{130} << 20U, true);
  const auto path = fmt::format("/caches/{}/multipart/complete", created.body.text("cache_entry_id"));
  const auto with = [](io::Json parts) {
    return io::Json(io::JsonObject{{"multipart", io::JsonObject{{"parts", std::move(parts)}}}});
  };
  const io::Json part(io::JsonObject{{"part_number", 1}, {"etag", "00"}});

  const auto missing = server_.call("POST", path, with(io::JsonArray{part}));

  expect_refusal(missing, 404, "not_found");
  EXPECT_THAT(missing.body.text("error"), testing::HasSubstr("NoSuchUpload"));
  expect_refusal(server_.call("POST", path, with(io::JsonArray())), 400, "invalid_request");
  expect_refusal(server_.call("POST", path, with(io::JsonArray{part, part})), 400, "invalid_request");
}

TEST_F(Archives, AManifestThatWasNotAnnouncedIsTakenToo) {
  const auto created = create(7, false, false);
  ASSERT_EQ(server_.blob("PUT", created.body.text("archive_upload_url"), "archive").status, 200);
  ASSERT_EQ(server_.blob("PUT", created.body.text("manifest_upload_url"), "manifest").status, 200);

  EXPECT_EQ(publish(created.body.text("cache_entry_id"), 7).status, 200);
  EXPECT_EQ(restored(), "archive");
}

TEST_F(Archives, UrlsAreOfOnePartOfOneEntry) {
  auto url = create(7, false).body.text("archive_upload_url");
  const auto at = url.find("&n=e_") + 5;
  url[at] = url[at] == '0' ? '1' : '0';

  expect_refusal(server_.blob("PUT", url, "archive"), 403, "signature");
  expect_refusal(server_.blob("GET", create(8, false).body.text("archive_upload_url")), 403, "signature");
}

TEST(ArchiveParts, AreReadAsTheyWereWritten) {
  const ArchivePart part{.entry = "e_0123456789abcdef01234567", .number = 7};

  const auto read = parse_part(part_text(part));

  ASSERT_TRUE(read);
  EXPECT_EQ(read->entry, part.entry);
  EXPECT_EQ(read->number, 7);
  EXPECT_FALSE(parse_part("e_0123456789abcdef01234567"));
  EXPECT_FALSE(parse_part("e_0123456789abcdef01234567.1001"));
  EXPECT_FALSE(parse_part("../../x.1"));
}

}  // namespace
}  // namespace agent::server::tests
