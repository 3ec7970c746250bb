// The examples of AWS's own documentation and test suite, as published.
#include "agent/backends/sigv4.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agent::backends {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;

constexpr std::string_view k_empty_sha256 =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr Wall k_2013 = std::chrono::sys_days(std::chrono::year(2013) / 5 / 24);
constexpr Wall k_2015 = std::chrono::sys_days(std::chrono::year(2015) / 8 / 30) + 12h + 36min;

AwsKeys documentation_keys() {
  return {.access_key = "AKIAIOSFODNN7EXAMPLE",
          .secret_key = Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
          .session_token = {}};
}

// Signs a request to examplebucket as the S3 documentation does.
std::string sign_example(std::string_view method, std::string_view path, const Query& query,
                         net::Headers headers = {}, std::string_view payload_sha256 = k_empty_sha256) {
  headers.add("x-amz-date", "20130524T000000Z");
  headers.add("x-amz-content-sha256", payload_sha256);
  return authorization_of({.method = method,
                           .host = "examplebucket.s3.amazonaws.com",
                           .path = path,
                           .query = query,
                           .headers = headers,
                           .payload_sha256 = payload_sha256},
                          documentation_keys(), {.region = "us-east-1", .time = k_2013});
}

TEST(SigV4, SignsAGetWithARange) {
  net::Headers headers;
  headers.add("Range", "bytes=0-9");

  EXPECT_EQ(sign_example("GET", "/test.txt", {}, headers),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(SigV4, SignsAPutWithItsBody) {
  net::Headers headers;
  headers.add("Date", "Fri, 24 May 2013 00:00:00 GMT");
  headers.add("x-amz-storage-class", "REDUCED_REDUNDANCY");

  EXPECT_THAT(sign_example("PUT", uri_encoded("/test$file.text", "/"), {}, headers,
                           "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"),
              EndsWith("Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
}

TEST(SigV4, SignsAQueryWithoutAValue) {
  EXPECT_THAT(sign_example("GET", "/", {{"lifecycle", ""}}),
              EndsWith("Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
}

TEST(SigV4, SignsAListing) {
  EXPECT_THAT(sign_example("GET", "/", {{"prefix", "J"}, {"max-keys", "2"}}),
              EndsWith("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

TEST(SigV4, DerivesTheKeyOfADay) {
  const SigningScope scope{.region = "us-east-1", .service = "iam", .time = k_2015};

  EXPECT_EQ(signing_key(Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), scope).hex(),
            "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
}

TEST(SigV4, PassesTheTestSuitesVanillaRequest) {
  net::Headers headers;
  headers.add("X-Amz-Date", "20150830T123600Z");
  const AwsKeys keys{.access_key = "AKIDEXAMPLE",
                     .secret_key = Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
                     .session_token = {}};

  EXPECT_EQ(authorization_of({.method = "GET",
                              .host = "example.amazonaws.com",
                              .path = "/",
                              .query = {},
                              .headers = headers,
                              .payload_sha256 = k_empty_sha256},
                             keys, {.region = "us-east-1", .service = "service", .time = k_2015}),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request,"
            "SignedHeaders=host;x-amz-date,"
            "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST(SigV4, EncodesAsAwsDoes) {
  EXPECT_EQ(uri_encoded("a b/c+d=~é", "/"), "a%20b/c%2Bd%3D~%C3%A9");
  EXPECT_EQ(canonical_query({{"b", "2"}, {"a", "x y"}, {"a", "+"}, {"A", ""}}), "A=&a=%2B&a=x%20y&b=2");
}

TEST(SigV4, SqueezesBlanksInHeaders) {
  net::Headers headers;
  headers.add("My-Header", "  a   b  ");

  EXPECT_THAT(canonical_request({.method = "GET",
                                 .host = "h",
                                 .path = "/",
                                 .query = {},
                                 .headers = headers,
                                 .payload_sha256 = k_empty_sha256}),
              testing::HasSubstr("\nmy-header:a b\n"));
}

}  // namespace
}  // namespace agent::backends
