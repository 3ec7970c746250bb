#include "agent/backends/s3_address.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/io/file.hpp"
#include "tests/backends/http_fake.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::backends {
namespace {

using tests::FailsSaying;
using tests::FailsWith;
using tests::Succeeds;
using tests::variables_of;

Result<S3Address> parse(std::string_view url, const Variables& variables = variables_of({})) {
  return parse_s3_address(parse_storage_url(url).value(), variables);
}

TEST(S3Address, IsAmazonsByDefault) {
  const auto address = parse("s3://bucket/some/prefix/");

  ASSERT_THAT(address, Succeeds());
  EXPECT_EQ(address->describe(), "s3://bucket/some/prefix");
  EXPECT_EQ(address->region, "us-east-1");
  EXPECT_EQ(address->host(), "bucket.s3.us-east-1.amazonaws.com");
  EXPECT_EQ(address->url_of("packs/1"), "https://bucket.s3.us-east-1.amazonaws.com/some/prefix/packs/1");
  EXPECT_EQ(address->url_of(""), "https://bucket.s3.us-east-1.amazonaws.com/");
}

TEST(S3Address, UsesPathStyleForOtherEndpointsAndForDots) {
  const auto other = parse("s3://bucket?endpoint=http%3A%2F%2Fhost:9000&region=eu-x");
  ASSERT_THAT(other, Succeeds());
  EXPECT_EQ(other->url_of("a"), "http://host:9000/bucket/a");
  EXPECT_EQ(other->url_of(""), "http://host:9000/bucket");
  EXPECT_EQ(other->host(), "host:9000");
  EXPECT_EQ(other->describe(), "s3://bucket?endpoint=http://host:9000");

  EXPECT_TRUE(parse("s3://my.bucket")->path_style);
  EXPECT_EQ(parse("s3://bucket?endpoint=https://host&path-style=false")->url_of("a"),
            "https://bucket.host/a");
  EXPECT_EQ(parse("s3://bucket?path-style=true")->url_of("a"), "https://s3.us-east-1.amazonaws.com/bucket/a");
}

TEST(S3Address, TakesFromVariablesWhatTheUrlLeavesOut) {
  const auto variables = variables_of({{"AWS_REGION", "eu-west-3"},
                                       {"AWS_DEFAULT_REGION", "eu-west-2"},
                                       {"AWS_ENDPOINT_URL", "http://any:1"},
                                       {"AWS_CA_BUNDLE", "/ca.pem"}});
  EXPECT_EQ(parse("s3://bucket", variables)->region, "eu-west-3");
  EXPECT_EQ(parse("s3://bucket", variables)->endpoint, "http://any:1");
  EXPECT_EQ(parse("s3://bucket", variables)->ca_file, "/ca.pem");
  EXPECT_EQ(parse("s3://bucket?region=us-west-1&ca=/mine.pem", variables)->region, "us-west-1");
  EXPECT_EQ(parse("s3://bucket?region=us-west-1&ca=/mine.pem", variables)->ca_file, "/mine.pem");
  EXPECT_EQ(parse("s3://bucket", variables_of({{"AWS_ENDPOINT_URL", "http://any:1"},
                                               {"AWS_ENDPOINT_URL_S3", "http://s3:2"}}))
                ->endpoint,
            "http://s3:2");
}

TEST(S3Address, TakesTheRegionOfAProfile) {
  const tests::TempFolder home;
  ASSERT_THAT(io::make_folders(home.path() / ".aws"), Succeeds());
  ASSERT_THAT(io::write_file(home.path() / ".aws" / "config",
                             "[default]\nregion = eu-north-1\n[profile ci]\nregion = sa-east-1\n"),
              Succeeds());
  const auto variables = variables_of({{"HOME", home.path().string()}});

  EXPECT_EQ(parse("s3://bucket", variables)->region, "eu-north-1");
  EXPECT_EQ(parse("s3://bucket?profile=ci", variables)->region, "sa-east-1");
}

TEST(S3Address, SaysWhatIsWrong) {
  EXPECT_THAT(parse("s3://bucket?endpont=x"), FailsSaying("'endpont' is not known"));
  EXPECT_THAT(parse("s3://bucket?endpont=x"), FailsSaying("endpoint, region, path-style, ca, profile"));
  for (const std::string_view url : {"s3://",
                                     "s3:///prefix",
                                     "s3://ab",
                                     "s3://Bu cket",
                                     "s3://-bucket",
                                     "s3://bu..cket",
                                     "s3://bucket/a b",
                                     "s3://bucket/../x",
                                     "s3://bucket//x",
                                     "s3://bucket?region",
                                     "s3://bucket?region=",
                                     "s3://bucket?region=A_B",
                                     "s3://bucket?region=a&region=b",
                                     "s3://bucket?path-style=maybe",
                                     "s3://bucket?endpoint=host:9000",
                                     "s3://bucket?endpoint=ftp://h",
                                     "s3://bucket?endpoint=http://h/path",
                                     "s3://bucket?endpoint=http://u:p@h",
                                     "s3://bucket?ca=%zz",
                                     "s3://bucket?profile=a%0Ab"}) {
    EXPECT_THAT(parse(url), FailsWith(Errc::invalid)) << url;
  }
}

}  // namespace
}  // namespace agent::backends
