#include "agent/backends/s3_fault.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agent::backends {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr Wall k_now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + 12h;

S3Address address() {
  return {.bucket = "b",
          .prefix = "p/",
          .endpoint = "https://s3.eu-west-1.amazonaws.com",
          .region = "eu-west-1",
          .path_style = false,
          .ca_file = {},
          .profile = {}};
}

net::ClientResponse refusal(int status, std::string_view xml) {
  return {.status = status, .headers = {}, .body = std::string(xml)};
}

TEST(S3Fault, ReadsTheCodeOutOfAnAnswer) {
  const auto fault = fault_of(refusal(
      400,
      "<?xml version=\"1.0\"?>\n<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region\n'x' is "
      "wrong</Message><Region>eu-central-1</Region></Error>"));

  EXPECT_EQ(fault.code, "AuthorizationHeaderMalformed");
  EXPECT_EQ(fault.message, "the region 'x' is wrong");
  EXPECT_EQ(fault.region, "eu-central-1");
}

TEST(S3Fault, MakesNothingOfOtherBodies) {
  for (const std::string_view body :
       {"", "<html><body>Bad Gateway</body></html>", "{}", "<Error", "<Errors/>"}) {
    EXPECT_EQ(fault_of(refusal(500, body)).code, "") << body;
  }
}

TEST(S3Fault, NamesTheRegionToUse) {
  const auto error = s3_error("open", address(),
                              refusal(400,
                                      "<Error><Code>AuthorizationHeaderMalformed</Code>"
                                      "<Region>eu-central-1</Region></Error>"),
                              k_now);
  EXPECT_EQ(error.code, Errc::invalid);
  EXPECT_THAT(error.message, HasSubstr("add region=eu-central-1"));

  auto redirect = refusal(301, "");
  redirect.headers.add("x-amz-bucket-region", "us-west-2");
  EXPECT_THAT(s3_error("open", address(), redirect, k_now).message, HasSubstr("add region=us-west-2"));
}

TEST(S3Fault, SaysHowWrongTheClockIs) {
  auto skewed = refusal(403, "<Error><Code>RequestTimeTooSkewed</Code><Message>too large</Message></Error>");
  skewed.headers.add("Date", "Sat, 21 Nov 2026 11:40:00 GMT");

  const auto error = s3_error("write x", address(), skewed, k_now);

  EXPECT_EQ(error.code, Errc::denied);
  EXPECT_THAT(error.message, HasSubstr("clock differs from the store's by 20 min 0 s (it is ahead)"));
}

TEST(S3Fault, ShowsNoSignature) {
  const auto error = s3_error(
      "write x", address(),
      refusal(403,
              "<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message><StringToSign>confidential"
              "</StringToSign></Error>"),
      k_now);

  EXPECT_THAT(error.message, Not(HasSubstr("confidential")));
  EXPECT_THAT(error.message, HasSubstr("check the credentials"));
}

TEST(S3Fault, OnlyS3ItselfKnowsThatAnObjectIsMissing) {
  EXPECT_TRUE(is_missing_object(refusal(404, "<Error><Code>NoSuchKey</Code></Error>")));

  for (const std::string_view body :
       {"", "404 page not found\n", "<html><body>404</body></html>", R"({"message":"no Route matched"})",
        "<Error><Code>NoSuchBucket</Code></Error>", "<Error><Code>NoSuchUpload</Code></Error>"}) {
    EXPECT_FALSE(is_missing_object(refusal(404, body))) << body;
  }
}

TEST(S3Fault, TurnsAnErrorInsideA200IntoItsStatus) {
  auto answer = refusal(200, "<Error><Code>PreconditionFailed</Code></Error>");
  settle_status(answer);
  EXPECT_EQ(answer.status, 412);

  auto fine = refusal(200, "<CompleteMultipartUploadResult/>");
  settle_status(fine);
  EXPECT_EQ(fine.status, 200);
}

}  // namespace
}  // namespace agent::backends
