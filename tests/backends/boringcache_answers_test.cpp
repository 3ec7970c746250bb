#include "agent/backends/boringcache_answers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/result_matchers.hpp"

namespace agent::backends {
namespace {

using agent::tests::FailsWith;
using agent::tests::Succeeds;

TEST(ServerFeatures, AreOffWhereAnyTypeIsWrong) {
  const auto good = parse_server_features(
      R"({"features":{"cas_publish_bootstrap_if_match":"0","blob_stage_v2":true,"tag_publish_v2":true}})");
  EXPECT_EQ(good.bootstrap, "0");
  EXPECT_TRUE(good.stages_blobs && good.publishes_tags);

  const auto typed =
      parse_server_features(R"({"features":{"cas_publish_bootstrap_if_match":true,"blob_stage_v2":true}})");
  EXPECT_EQ(typed.bootstrap, "");
  EXPECT_FALSE(typed.stages_blobs);
  EXPECT_FALSE(parse_server_features("<html>").stages_blobs);
}

TEST(TagPointer, HasAVersion) {
  const auto pointer = parse_tag_pointer(
      R"({"tag":"t","version":"7","cache_entry_id":"e","manifest_root_digest":"sha256:0"})");
  ASSERT_THAT(pointer, Succeeds());
  EXPECT_EQ(pointer->version, "7");
  EXPECT_EQ(pointer->manifest_url, "");

  EXPECT_THAT(parse_tag_pointer(R"({"tag":"t"})"), FailsWith(Errc::transient));
  EXPECT_THAT(parse_tag_pointer("<html>"), FailsWith(Errc::transient));
  EXPECT_EQ(parse_tag_pointer(R"({"version":"7","manifest_url":"file:///etc/passwd"})")->manifest_url, "");
}

TEST(Restored, FindsItsTagOnly) {
  constexpr std::string_view k_answer =
      R"([{"tag":"a","status":"miss"},{"tag":"b","status":"hit","cache_entry_id":"e","blob_count":1,
           "manifest_root_digest":"sha256:1","manifest_url":"https://x/y","metadata":{"total_size_bytes":9}}])";

  const auto hit = parse_restored(k_answer, "b");
  ASSERT_THAT(hit, Succeeds());
  ASSERT_TRUE(hit->has_value());
  EXPECT_EQ((*hit)->object_bytes, 9);
  EXPECT_EQ((*hit)->blob_count, 1);
  EXPECT_FALSE(parse_restored(k_answer, "a")->has_value());
  EXPECT_FALSE(parse_restored(k_answer, "c")->has_value());
  EXPECT_THAT(parse_restored("{}", "a"), FailsWith(Errc::transient));
  EXPECT_THAT(parse_restored(R"([{"tag":"a","status":"hit"}])", "a"), FailsWith(Errc::transient));
}

TEST(Staged, WantsABlobOrHasIt) {
  const auto wanted = parse_staged(
      R"({"upload_urls":[{"digest":"d","url":"http://x/1","headers":{"A":"b"}}],"already_present":[]})", "d");
  ASSERT_THAT(wanted, Succeeds());
  ASSERT_TRUE(wanted->has_value());
  EXPECT_EQ((*wanted)->url, "http://x/1");
  EXPECT_THAT((*wanted)->headers, testing::ElementsAre(testing::Pair("A", "b")));

  EXPECT_FALSE(parse_staged(R"({"upload_urls":[],"already_present":["d"]})", "d")->has_value());
  EXPECT_THAT(parse_staged(R"({"upload_urls":[],"already_present":["e"]})", "d"), FailsWith(Errc::transient));
  EXPECT_THAT(parse_staged(R"({"upload_urls":[{"digest":"d","url":"x"}]})", "d"), FailsWith(Errc::transient));
  EXPECT_THAT(parse_staged(R"({"upload_urls":[{"digest":"d","url":"http://x","headers":{"A":1}}]})", "d"),
              FailsWith(Errc::transient));
}

TEST(DownloadUrl, IsEmptyForWhatIsMissing) {
  constexpr std::string_view k_answer =
      R"({"download_urls":[{"digest":"d","url":"http://x"}],"missing":["e"]})";

  EXPECT_EQ(*parse_download_url(k_answer, "d"), "http://x");
  EXPECT_FALSE(parse_download_url(k_answer, "e")->has_value());
}

TEST(TagPage, ListsNamesSizesAndTimes) {
  const auto page = parse_tag_page(
      R"({"tags":[{"name":"a","stored_size_bytes":5,"uploaded_at":"2026-11-21T14:52:27Z"}],
          "pagination":{"has_more":true}})");
  ASSERT_THAT(page, Succeeds());
  ASSERT_EQ(page->tags.size(), 1);
  EXPECT_EQ(page->tags[0].size_bytes, 5);
  EXPECT_GT(page->tags[0].uploaded, Wall{});
  EXPECT_TRUE(page->has_more);
  EXPECT_THAT(parse_tag_page("{}"), FailsWith(Errc::transient));
}

TEST(RefusalText, IsWhatTheServerSays) {
  EXPECT_EQ(refusal_text(R"({"error":"no"})"), "no");
  EXPECT_EQ(refusal_text(R"({"message":"no"})"), "no");
  EXPECT_EQ(refusal_text("<html>"), "");
}

}  // namespace
}  // namespace agent::backends
