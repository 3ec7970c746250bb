#include "agent/sccache/redaction.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agent::sccache {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Redaction, TakesUsersAndQueriesOutOfUrls) {
  EXPECT_EQ(without_secrets("http://me:sesame@proxy:3128/"), "http://(hidden)@proxy:3128/");
  EXPECT_EQ(without_secrets("GET https://b.s3/x?X-Amz-Signature=abc failed"),
            "GET https://b.s3/x?(hidden) failed");
  EXPECT_EQ(without_secrets("https://h/x?sv=1&sig=sesame&se=2"), "https://h/x?(hidden)");
  EXPECT_EQ(without_secrets("redis://:p&ss,(w)ord;1@h:1/"), "redis://(hidden)@h:1/");
  EXPECT_EQ(without_secrets("http://a,http://u:sesame@b/,http://c/?k=1"),
            "http://a,http://(hidden)@b/,http://c/?(hidden)");
  EXPECT_EQ(without_secrets("a \"https://u:p@h/x?y\" b"), "a \"https://(hidden)@h/x?(hidden)\" b");
}

TEST(Redaction, LeavesOtherUrlsAsTheyAre) {
  for (const auto* url : {"http://127.0.0.1:9/a", "https://registry.npmjs.org/@scope/pkg", "disk:///srv/x",
                          "https://doc.rust-lang.org/book#part", "://", "a://", "http://h:80/@x"}) {
    EXPECT_EQ(without_secrets(url), url);
  }
}

TEST(Redaction, HidesWhatIsNamedSecret) {
  EXPECT_EQ(without_secrets("-DAPI_TOKEN=sesame -O2"), "-DAPI_TOKEN=(hidden) -O2");
  EXPECT_EQ(without_secrets("-DAES_KEY=sesame"), "-DAES_KEY=(hidden)");
  EXPECT_EQ(without_secrets("password: sesame"), "password: (hidden)");
  EXPECT_EQ(without_secrets(R"(corp = { index = "i", token = "sesame" })"),
            R"x(corp = { index = "i", token = "(hidden)" })x");
  EXPECT_EQ(without_secrets(R"({"password": "sesame", "x":1})"), R"x({"password": "(hidden)", "x":1})x");
  EXPECT_EQ(without_secrets(R"({"password":"ses,a&me"})"), R"x({"password":"(hidden)"})x");
  EXPECT_EQ(without_secrets("x-api-key: sesame"), "x-api-key: (hidden)");
  EXPECT_EQ(without_secrets("AccountKey=ses&ame;Endpoint=x"), "AccountKey=(hidden)");
  EXPECT_EQ(without_secrets("password=ses&ame,1 -O2"), "password=(hidden) -O2");
}

TEST(Redaction, HidesCredentialsOfHeaders) {
  EXPECT_EQ(without_secrets("authorization: Bearer sesame, more"), "authorization: Bearer (hidden), more");
  EXPECT_EQ(without_secrets("Authorization: token sesame"), "Authorization: token (hidden)");
  EXPECT_EQ(without_secrets("Proxy-Authorization: Basic c2VzYW1l"), "Proxy-Authorization: Basic (hidden)");
  EXPECT_EQ(without_secrets("Authorization: sesame"), "Authorization: (hidden)");
}

TEST(Redaction, HidesWhatLooksLikeACredential) {
  EXPECT_EQ(without_secrets("x ghp_0123456789abcdef y"), "x (hidden) y");
  EXPECT_EQ(without_secrets("joe:sesame@proxy:3128"), "(hidden)@proxy:3128");
  EXPECT_EQ(without_secrets("http.proxy = joe:sesame@proxy:3128"), "http.proxy = (hidden)@proxy:3128");
  EXPECT_EQ(without_secrets("http_proxy=joe:sesame@proxy:3128"), "http_proxy=(hidden)@proxy:3128");
}

TEST(Redaction, LeavesEvidenceReadable) {
  for (const auto* text :
       {"the token is missing", "cache-key: rust-1.95", "key: rust-1.95", "restore-keys: a", "restore_key=a",
        "git@github.com:owner/name", "ghcr.io/x/y:1@sha256:0a1b", "src/main.rs:3:5: error",
        "-I/usr/include -DNDEBUG", "RUSTFLAGS=-C target-cpu=native", "a = b"}) {
    EXPECT_EQ(without_secrets(text), text);
  }
}

// What is hidden once stays so, and a hidden text is not hidden again.
TEST(Redaction, IsDoneOnce) {
  for (const auto* text : {"password=ses&ame", "https://u:sesame@h/x?sesame", "Authorization: token sesame",
                           "joe:sesame@proxy:3128"}) {
    const auto hidden = without_secrets(text);
    EXPECT_THAT(hidden, Not(HasSubstr("sesame"))) << text;
    EXPECT_THAT(without_secrets(hidden), Not(HasSubstr("sesame"))) << text;
  }
}

}  // namespace
}  // namespace agent::sccache
