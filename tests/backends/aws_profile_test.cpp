#include "agent/backends/aws_profile.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/io/file.hpp"
#include "tests/backends/http_fake.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::backends {
namespace {

using testing::Pair;
using testing::UnorderedElementsAre;
using tests::FailsSaying;
using tests::FailsWith;
using tests::Succeeds;

constexpr std::string_view k_config =
    "# comment\n[default]\nregion = a\n\n[profile ci]\r\nRegion=b\r\ns3 =\n  max_concurrent_requests = 20\n"
    "; comment\nrole_arn = arn:aws:iam::1:role/x=y\n[sso-session ci]\nregion = c\n[profiles]\nregion = d\n";

TEST(AwsProfile, ReadsOneSection) {
  EXPECT_THAT(
      *parse_aws_profile(k_config, AwsFile::config, "ci"),
      UnorderedElementsAre(Pair("region", "b"), Pair("s3", ""), Pair("role_arn", "arn:aws:iam::1:role/x=y")));
  EXPECT_THAT(*parse_aws_profile(k_config, AwsFile::config, "default"),
              UnorderedElementsAre(Pair("region", "a")));
  EXPECT_THAT(*parse_aws_profile(k_config, AwsFile::config, "other"), testing::IsEmpty());
  EXPECT_THAT(*parse_aws_profile("[ci]\na=1", AwsFile::credentials, "ci"),
              UnorderedElementsAre(Pair("a", "1")));
  EXPECT_THAT(*parse_aws_profile("[ci]\na=1", AwsFile::config, "ci"), testing::IsEmpty());
}

TEST(AwsProfile, NamesTheLineThatIsWrong) {
  EXPECT_THAT(parse_aws_profile("[a\n", AwsFile::config, "a"), FailsSaying("line 1"));
  EXPECT_THAT(parse_aws_profile("[a]\nnonsense\n", AwsFile::config, "a"), FailsSaying("line 2"));
}

TEST(AwsProfile, PrefersTheCredentialsFile) {
  const tests::TempFolder folder;
  const auto credentials = folder.path() / "credentials";
  const auto config = folder.path() / "config";
  ASSERT_THAT(io::write_file(credentials, "[ci]\nkey = secret file\n"), Succeeds());
  ASSERT_THAT(io::write_file(config, "[profile ci]\nkey = config\nregion = r\n"), Succeeds());
  const auto variables = tests::variables_of(
      {{"AWS_SHARED_CREDENTIALS_FILE", credentials.string()}, {"AWS_CONFIG_FILE", config.string()}});

  EXPECT_THAT(*read_aws_profile(variables, "ci"),
              UnorderedElementsAre(Pair("key", "secret file"), Pair("region", "r")));
}

TEST(AwsProfile, IsEmptyWithoutFilesAndSaysWhichFileIsWrong) {
  const tests::TempFolder folder;
  EXPECT_THAT(*read_aws_profile(tests::variables_of({}), "ci"), testing::IsEmpty());
  EXPECT_THAT(*read_aws_profile(tests::variables_of({{"HOME", folder.path().string()}}), "ci"),
              testing::IsEmpty());

  const auto config = folder.path() / "config";
  ASSERT_THAT(io::write_file(config, "nonsense"), Succeeds());
  const auto wrong = read_aws_profile(tests::variables_of({{"AWS_CONFIG_FILE", config.string()}}), "ci");
  EXPECT_THAT(wrong, FailsWith(Errc::invalid));
  EXPECT_THAT(wrong, FailsSaying(config.string()));
}

TEST(AwsProfile, IsNamedByTheUrlThenByAVariable) {
  EXPECT_EQ(aws_profile_name(tests::variables_of({{"AWS_PROFILE", "b"}}), "a"), "a");
  EXPECT_EQ(aws_profile_name(tests::variables_of({{"AWS_PROFILE", "b"}}), ""), "b");
  EXPECT_EQ(aws_profile_name(tests::variables_of({}), ""), "default");
}

}  // namespace
}  // namespace agent::backends
