// Where the keys for S3 come from, and their renewal before they expire. Tried in the order of AWS's own
// tools: the profile the URL names; else AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a web identity (OIDC)
// exchanged at STS, the profile of AWS_PROFILE or "default", the container's endpoint, the machine's metadata
// (IMDSv2). Thread-safe; blocks on the network where keys are fetched. Source: AWS SDKs and Tools Reference
// Guide, "Standardized credential providers", read 2026-11.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/backends/object_storage.hpp"
#include "agent/backends/sigv4.hpp"
#include "agent/core/guarded.hpp"
#include "agent/net/client_pool.hpp"

namespace agent::backends {

// Every variable that the s3 storage reads: whoever starts an agent elsewhere hands on these and no others.
// Those that name files do so where the agent runs.
inline constexpr std::array k_s3_variables = {"AWS_ACCESS_KEY_ID",
                                              "AWS_SECRET_ACCESS_KEY",
                                              "AWS_SESSION_TOKEN",
                                              "AWS_REGION",
                                              "AWS_DEFAULT_REGION",
                                              "AWS_ENDPOINT_URL",
                                              "AWS_ENDPOINT_URL_S3",
                                              "AWS_ENDPOINT_URL_STS",
                                              "AWS_PROFILE",
                                              "AWS_SHARED_CREDENTIALS_FILE",
                                              "AWS_CONFIG_FILE",
                                              "AWS_WEB_IDENTITY_TOKEN_FILE",
                                              "AWS_ROLE_ARN",
                                              "AWS_ROLE_SESSION_NAME",
                                              "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                              "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                                              "AWS_CONTAINER_AUTHORIZATION_TOKEN",
                                              "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                                              "AWS_EC2_METADATA_DISABLED",
                                              "AWS_EC2_METADATA_SERVICE_ENDPOINT",
                                              "AWS_CA_BUNDLE",
                                              "HTTPS_PROXY",
                                              "HTTP_PROXY",
                                              "NO_PROXY",
                                              "https_proxy",
                                              "http_proxy",
                                              "no_proxy"};

struct CredentialSources {
  const Clock& clock;     // outlives the chain
  net::ClientPool& pool;  // for STS; outlives the chain
  Variables variables;
  std::string profile;  // of the URL; empty: none
  std::string region;   // of STS
};

struct AwsCredentials {
  AwsKeys keys;
  std::optional<Wall> expires;  // empty: never
};

class CredentialChain final {
public:
  explicit CredentialChain(CredentialSources sources);

  // Keys that are good for some minutes more. Errors: denied (no source has any: the text names those that
  // were tried; or the one that has them refuses), invalid (a source is set up wrongly), unsupported (a
  // profile that needs a program or a login), transient.
  Result<AwsKeys> keys();

  // The service called the keys expired: fetch new ones next time.
  void forget();

private:
  CredentialSources sources_;
  net::ClientPool near_;  // for addresses of this machine: short time limits, no proxy
  Guarded<std::optional<AwsCredentials>> current_;
};

// "2026-11-21T18:00:00Z", fractions of a second dropped; empty where it is not of this form, in UTC.
std::optional<Wall> parse_iso_time(std::string_view text);

}  // namespace agent::backends
