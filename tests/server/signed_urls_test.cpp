#include "agent/server/signed_urls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/result_matchers.hpp"

namespace agent::server {
namespace {

using agent::tests::FailsSaying;
using agent::tests::FailsWith;

Permission permission(Access access = Access::get) {
  Digest digest;
  digest.bytes.fill(0xab);
  return {.access = access,
          .workspace = {.owner = "acme", .name = "ci"},
          .blob = {.digest = digest, .size_bytes = 65'536}};
}

struct Url {
  std::string path;
  std::string query;
};

Url split_at_query(const std::string& url) {
  const auto path = url.find("/v2/");
  const auto question = url.find('?');
  return {.path = url.substr(path, question - path), .query = url.substr(question + 1)};
}

class SignedUrlsTest : public testing::Test {
protected:
  Result<Permission> check(const std::string& path, const std::string& query) const {
    return urls_.check(path, query);
  }

  ManualClock clock_;
  SignedUrls urls_{Secret(std::string(32, 'k')), clock_, std::chrono::seconds(60)};
  Url url_ = split_at_query(urls_.make("https://cache.example.org", permission()));
};

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << text;
  return text.replace(at, from.size(), to);
}

TEST_F(SignedUrlsTest, GiveBackWhatWasSigned) {
  EXPECT_EQ(check(url_.path, url_.query), permission());

  const auto upload = split_at_query(urls_.make("http://x", permission(Access::put)));
  EXPECT_EQ(check(upload.path, upload.query), permission(Access::put));
}

TEST_F(SignedUrlsTest, EndAtTheirTime) {
  clock_.advance(std::chrono::seconds(59));
  EXPECT_EQ(check(url_.path, url_.query), permission());

  clock_.advance(std::chrono::seconds(1));
  EXPECT_THAT(check(url_.path, url_.query), FailsWith(Errc::denied));
  EXPECT_THAT(check(url_.path, url_.query), FailsSaying("expired"));
}

TEST_F(SignedUrlsTest, AreOfNoUseForAnythingElse) {
  EXPECT_THAT(check(replaced(url_.path, "abab", "abac"), url_.query), FailsWith(Errc::denied));
  EXPECT_THAT(check(replaced(url_.path, "/ci/", "/cd/"), url_.query), FailsWith(Errc::denied));
  EXPECT_THAT(check(replaced(url_.path, "/acme/", "/acmf/"), url_.query), FailsWith(Errc::denied));
  EXPECT_THAT(check(url_.path, replaced(url_.query, "m=get", "m=put")), FailsWith(Errc::denied));
  EXPECT_THAT(check(url_.path, replaced(url_.query, "s=65536", "s=65537")), FailsWith(Errc::denied));
  EXPECT_THAT(check(url_.path, replaced(url_.query, "&e=", "&e=1")), FailsWith(Errc::denied));
  EXPECT_THAT(check(url_.path, replaced(url_.query, "&h=", "&h=0")), FailsWith(Errc::denied));
}

TEST_F(SignedUrlsTest, OfAnotherKeyAreRefused) {
  const SignedUrls others(Secret(std::string(32, 'x')), clock_, std::chrono::seconds(60));

  EXPECT_THAT(others.check(url_.path, url_.query), FailsWith(Errc::denied));
}

TEST_F(SignedUrlsTest, ThatAreNoneAreInvalid) {
  EXPECT_THAT(check(url_.path, ""), FailsWith(Errc::invalid));
  EXPECT_THAT(check(url_.path, "m=get&s=1&h=00"), FailsWith(Errc::invalid));
  EXPECT_THAT(check(url_.path, replaced(url_.query, "m=get", "m=delete")), FailsWith(Errc::invalid));
  EXPECT_THAT(check("/v2/blobs/acme/ci/short", url_.query), FailsWith(Errc::invalid));
  EXPECT_THAT(check("/v2/blobs//" + std::string(64, 'a'), url_.query), FailsWith(Errc::invalid));
  EXPECT_THAT(check("/v2/blobs/", url_.query), FailsWith(Errc::invalid));
}

}  // namespace
}  // namespace agent::server
