#include "agent/backends/github_answers.hpp"

#include <gtest/gtest.h>

#include "tests/support/result_matchers.hpp"

namespace agent::backends {
namespace {

using tests::FailsWith;
using tests::Succeeds;

TEST(GithubAnswers, AreReadInBothSpellings) {
  const auto created = parse_twirp_answer(R"({"ok":true,"signed_upload_url":"https://b/x?sig=1"})");
  const auto found =
      parse_twirp_answer(R"({"ok":true,"signedDownloadUrl":"https://b/y","matchedKey":"k","more":[]})");

  ASSERT_THAT(created, Succeeds());
  ASSERT_THAT(found, Succeeds());
  EXPECT_EQ(created->url, "https://b/x?sig=1");
  EXPECT_EQ(found->url, "https://b/y");
  EXPECT_EQ(found->matched_key, "k");
}

TEST(GithubAnswers, OfAMissSayNothingElse) {
  const auto missed = parse_twirp_answer(R"({"ok":false})");

  ASSERT_THAT(missed, Succeeds());
  EXPECT_FALSE(missed->ok);
  EXPECT_EQ(missed->url, "");
}

TEST(GithubAnswers, ThatAreNotJsonMayBeBetterNextTime) {
  for (const auto* text : {"", "<html>", "[]", "null", R"({"ok":true,"signed_upload_url":"ftp://x"})",
                           R"({"ok":true,"signed_download_url":"https://a b"})"}) {
    EXPECT_THAT(parse_twirp_answer(text), FailsWith(Errc::transient)) << text;
  }
}

TEST(GithubAnswers, NameTheErrorInEitherMember) {
  EXPECT_EQ(parse_twirp_error(R"({"code":"already_exists","msg":"m"})").code, "already_exists");
  EXPECT_EQ(parse_twirp_error(R"({"message":"only this"})").message, "only this");
  EXPECT_EQ(parse_twirp_error("Bad Gateway").code, "");
}

TEST(GithubAnswers, OfVersionOneAreReadToo) {
  EXPECT_EQ(parse_v1_reservation(R"({"cacheId":17})"), 17);
  EXPECT_THAT(parse_v1_reservation(R"({"cacheId":-1})"), FailsWith(Errc::transient));
  const auto entry = parse_v1_entry(R"({"cacheKey":"k","archiveLocation":"http://b/x"})");
  ASSERT_THAT(entry, Succeeds());
  EXPECT_EQ(entry->url, "http://b/x");
  EXPECT_THAT(parse_v1_entry(R"({"cacheKey":"k"})"), FailsWith(Errc::transient));
}

TEST(GithubAnswers, ListEntriesWithTheirMoments) {
  const auto page = parse_listed_page(R"({"total_count":1,"actions_caches":[{"id":5,"key":"k","version":"v",
    "size_in_bytes":10,"created_at":"2026-11-21T10:00:00.1234567Z"}]})");

  ASSERT_THAT(page, Succeeds());
  ASSERT_EQ(page->entries.size(), 1U);
  EXPECT_EQ(page->entries[0].id, 5U);
  EXPECT_EQ(page->entries[0].created, parse_utc("2026-11-21T10:00:00Z"));
  EXPECT_THAT(parse_listed_page(R"({"actions_caches":[{}]})"), FailsWith(Errc::transient));
  EXPECT_THAT(parse_listed_page("{}"), FailsWith(Errc::transient));
}

TEST(GithubAnswers, KnowMomentsInUtcOnly) {
  EXPECT_EQ(
      std::chrono::duration_cast<std::chrono::seconds>(parse_utc("1970-01-02T00:00:01Z")->time_since_epoch())
          .count(),
      86'401);
  for (const auto* text : {"", "2026-11-21", "2026-13-21T10:00:00Z", "2026-11-31T10:00:00Z",
                           "2026-11-21T10:00:00+01:00", "2026-11-21T25:00:00Z", "2026-11-21t10:00:00Z"}) {
    EXPECT_FALSE(parse_utc(text)) << text;
  }
}

}  // namespace
}  // namespace agent::backends
