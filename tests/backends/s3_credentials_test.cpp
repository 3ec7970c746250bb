#include "agent/backends/s3_credentials.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/core/text.hpp"
#include "agent/io/file.hpp"
#include "tests/backends/http_fake.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::backends {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using tests::FailsSaying;
using tests::FailsWith;
using tests::FakeRequest;
using tests::HttpFake;
using tests::Succeeds;

using List = std::vector<std::pair<std::string, std::string>>;

class S3Credentials : public testing::Test {
protected:
  std::unique_ptr<CredentialChain> chain_of(List variables, std::string profile = {}) {
    return std::make_unique<CredentialChain>(
        CredentialSources{.clock = clock_,
                          .pool = pool_,
                          .variables = tests::variables_of(std::move(variables)),
                          .profile = std::move(profile),
                          .region = "eu-west-1"});
  }

  Result<AwsKeys> keys_of(List variables, std::string profile = {}) {
    return chain_of(std::move(variables), std::move(profile))->keys();
  }

  std::string write(std::string_view name, std::string_view content) {
    const auto path = folder_.path() / name;
    EXPECT_THAT(io::write_file(path, content), Succeeds());
    return path.string();
  }

  std::string time_in(std::chrono::seconds duration) const { return utc_text(clock_.wall() + duration); }

  tests::TempFolder folder_;
  ManualClock clock_;
  net::ClientPool pool_{{}};
};

const List k_no_machine = {{"AWS_EC2_METADATA_DISABLED", "true"}};

TEST_F(S3Credentials, ComeFromVariablesFirst) {
  const auto keys = keys_of({{"AWS_ACCESS_KEY_ID", "id"},
                             {"AWS_SECRET_ACCESS_KEY", "secret"},
                             {"AWS_SESSION_TOKEN", "token"},
                             {"AWS_SHARED_CREDENTIALS_FILE", write("c", "nonsense")}});

  ASSERT_THAT(keys, Succeeds());
  EXPECT_EQ(keys->access_key, "id");
  EXPECT_EQ(keys->secret_key.reveal(), "secret");
  EXPECT_EQ(keys->session_token.reveal(), "token");
}

TEST_F(S3Credentials, AreNotHalfOfAPair) {
  EXPECT_THAT(keys_of({{"AWS_ACCESS_KEY_ID", "id"}}), FailsSaying("without AWS_SECRET_ACCESS_KEY"));
  EXPECT_THAT(keys_of({{"AWS_SECRET_ACCESS_KEY", "x"}}), FailsSaying("without AWS_ACCESS_KEY_ID"));
}

TEST_F(S3Credentials, ComeFromTheProfileThatTheUrlNamesBeforeAnythingElse) {
  const auto file =
      write("c", "[ci]\naws_access_key_id=pid\naws_secret_access_key=psecret\naws_session_token=pt\n");

  const auto keys = keys_of({{"AWS_ACCESS_KEY_ID", "id"},
                             {"AWS_SECRET_ACCESS_KEY", "secret"},
                             {"AWS_SHARED_CREDENTIALS_FILE", file}},
                            "ci");

  ASSERT_THAT(keys, Succeeds());
  EXPECT_EQ(keys->access_key, "pid");
  EXPECT_EQ(keys->session_token.reveal(), "pt");
}

TEST_F(S3Credentials, SayWhenAProfileCannotBeUsed) {
  const auto file = write("c", "[run]\ncredential_process = rm -rf /\n[sso]\nsso_session = x\n[empty]\n");
  const List variables = {{"AWS_SHARED_CREDENTIALS_FILE", file}};

  EXPECT_THAT(keys_of(variables, "run"), FailsWith(Errc::unsupported));
  EXPECT_THAT(keys_of(variables, "sso"), FailsSaying("export-credentials"));
  EXPECT_THAT(keys_of(variables, "empty"), FailsWith(Errc::denied));
  EXPECT_THAT(keys_of(variables, "missing"), FailsSaying("'missing'"));
}

TEST_F(S3Credentials, AreExchangedForAWebIdentityAndRenewed) {
  int calls = 0;
  std::string form;
  HttpFake sts([&](const FakeRequest& request) {
    ++calls;
    form = request.body;
    return net::text_response(
        200, fmt::format("<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
                         "<AccessKeyId>id{}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t"
                         "</SessionToken><Expiration>{}</Expiration></Credentials>"
                         "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
                         calls, time_in(1h)));
  });
  const auto chain = chain_of({{"AWS_WEB_IDENTITY_TOKEN_FILE", write("token", "jwt+/=\n")},
                               {"AWS_ROLE_ARN", "arn:aws:iam::1:role/ci"},
                               {"AWS_ENDPOINT_URL_STS", sts.url()}});

  EXPECT_EQ(chain->keys()->access_key, "id1");
  EXPECT_EQ(chain->keys()->access_key, "id1");
  EXPECT_THAT(form, HasSubstr("RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fci"));
  EXPECT_THAT(form, HasSubstr("WebIdentityToken=jwt%2B%2F%3D"));
  clock_.advance(56min);  // less than five minutes are left
  EXPECT_EQ(chain->keys()->access_key, "id2");
  chain->forget();
  EXPECT_EQ(chain->keys()->access_key, "id3");
}

TEST_F(S3Credentials, StayInUseWhileTheyAreGoodAndCannotBeRenewed) {
  bool down = false;
  HttpFake endpoint([&](const FakeRequest&) -> std::optional<net::Response> {
    return down ? net::text_response(500, "down")
                : net::text_response(200,
                                     fmt::format(R"({{"AccessKeyId":"id","SecretAccessKey":"s","Token":"t",)"
                                                 R"("Expiration":"{}"}})",
                                                 time_in(1h)));
  });
  const auto chain = chain_of({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.url() + "/keys"}});
  ASSERT_THAT(chain->keys(), Succeeds());
  down = true;

  clock_.advance(57min);
  EXPECT_THAT(chain->keys(), Succeeds());
  clock_.advance(5min);
  EXPECT_THAT(chain->keys(), FailsWith(Errc::transient));
}

TEST_F(S3Credentials, SayWhyAWebIdentityIsRefused) {
  HttpFake sts([](const FakeRequest&) {
    return net::text_response(
        400,
        "<ErrorResponse><Error><Code>ExpiredTokenException</Code><Message>too old</Message>"
        "</Error></ErrorResponse>");
  });
  const auto keys = keys_of({{"AWS_WEB_IDENTITY_TOKEN_FILE", write("token", "confidential")},
                             {"AWS_ROLE_ARN", "arn:aws:iam::1:role/ci"},
                             {"AWS_ENDPOINT_URL_STS", sts.url()}});

  EXPECT_THAT(keys, FailsWith(Errc::denied));
  EXPECT_THAT(keys, FailsSaying("ExpiredTokenException: too old"));
  EXPECT_THAT(keys, testing::Not(FailsSaying("confidential")));
  EXPECT_THAT(keys_of({{"AWS_WEB_IDENTITY_TOKEN_FILE", "x"}}), FailsSaying("AWS_ROLE_ARN"));
}

TEST_F(S3Credentials, ComeFromTheContainersEndpointWithItsToken) {
  std::string authorization;
  HttpFake endpoint([&](const FakeRequest& request) {
    authorization = request.head.headers.get("Authorization");
    return net::text_response(200, R"({"AccessKeyId":"id","SecretAccessKey":"s","Token":"t"})");
  });

  const auto keys = keys_of({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.url() + "/keys"},
                             {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", write("token", "bearer\n")}});

  ASSERT_THAT(keys, Succeeds());
  EXPECT_EQ(keys->access_key, "id");
  EXPECT_EQ(authorization, "bearer");
}

TEST_F(S3Credentials, AskNoStrangerInTheClear) {
  for (const auto* const url :
       {"http://198.51.100.1/keys", "http://localhost.example/keys", "http://127.evil.example/",
        "http://127.0.0.1@198.51.100.1/", "file:///etc/passwd", "http://"}) {
    EXPECT_THAT(keys_of({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", url}}), FailsWith(Errc::invalid)) << url;
  }
}

TEST_F(S3Credentials, ComeFromTheMachinesMetadata) {
  HttpFake machine([](const FakeRequest& request) -> net::Response {
    if (request.head.method == "PUT" && request.head.path == "/latest/api/token" &&
        request.head.headers.has("X-aws-ec2-metadata-token-ttl-seconds")) {
      return net::text_response(200, "session");
    }
    if (request.head.headers.get("X-aws-ec2-metadata-token") != "session") {
      return net::text_response(401, "");
    }
    return request.head.path.ends_with("/role-of-ci")
               ? net::text_response(
                     200, R"({"Code":"Success","AccessKeyId":"id","SecretAccessKey":"s","Token":"t",)"
                          R"("Expiration":"2100-01-01T00:00:00Z"})")
               : net::text_response(200, "role-of-ci\n");
  });

  const auto keys = keys_of({{"AWS_EC2_METADATA_SERVICE_ENDPOINT", machine.url() + "/"}});

  ASSERT_THAT(keys, Succeeds());
  EXPECT_EQ(keys->access_key, "id");
}

TEST_F(S3Credentials, NameEverySourceWhenThereAreNone) {
  EXPECT_THAT(keys_of(k_no_machine), FailsWith(Errc::denied));
  EXPECT_THAT(keys_of(k_no_machine), FailsSaying("AWS_WEB_IDENTITY_TOKEN_FILE"));

  HttpFake no_role([](const FakeRequest& request) {
    return net::text_response(request.head.method == "PUT" ? 200 : 404, "x");
  });
  EXPECT_THAT(keys_of({{"AWS_EC2_METADATA_SERVICE_ENDPOINT", no_role.url()}}), FailsWith(Errc::denied));
}

TEST_F(S3Credentials, ReadTimesInUtcOnly) {
  EXPECT_EQ(parse_iso_time("1970-01-02T00:00:01Z"), Wall{} + 24h + 1s);
  EXPECT_EQ(parse_iso_time("1970-01-01T00:00:01.999Z"), Wall{} + 1s);
  for (const std::string_view text : {"", "Z", "1970-01-01T00:00:00", "1970-01-01 00:00:00Z",
                                      "1970-13-01T00:00:00Z", "1970-02-30T00:00:00Z", "1970-01-01T24:00:00Z",
                                      "1970-01-01T00:00:00.xZ", "1970-01-01T00:00:00+01:00Z"}) {
    EXPECT_EQ(parse_iso_time(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace agent::backends
