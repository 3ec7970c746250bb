#include "agent/backends/s3_credentials.hpp"

#include <algorithm>

#include "agent/backends/aws_profile.hpp"
#include "agent/backends/http_status.hpp"
#include "agent/core/log.hpp"
#include "agent/core/text.hpp"
#include "agent/io/file.hpp"
#include "agent/io/json.hpp"
#include "agent/io/xml.hpp"
#include "agent/net/http_syntax.hpp"

namespace agent::backends {

namespace {

using namespace std::chrono_literals;

constexpr auto k_renew_before = 5min;
constexpr auto k_near_timeout = 1s;
constexpr std::uint64_t k_token_bytes = std::uint64_t{64} << 10U;

// A source has keys, or has none and the next one is asked, or fails.
using Found = Result<std::optional<AwsCredentials>>;

struct Places {
  const CredentialSources& sources;
  net::ClientPool& near;

  std::string variable(const char* name) const { return sources.variables(name); }
};

AwsCredentials lasting(std::string access_key, std::string secret_key, std::string session_token) {
  return {.keys = {.access_key = std::move(access_key),
                   .secret_key = Secret(std::move(secret_key)),
                   .session_token = Secret(std::move(session_token))},
          .expires = std::nullopt};
}

Result<std::string> token_in(const std::string& path) {
  AGENT_TRY(const auto text, io::read_file(path, k_token_bytes));
  return std::string(trimmed(text));
}

net::ClientRequest request_of(std::string method) {
  return {.method = std::move(method), .target = {}, .headers = {}, .body = {}};
}

Found from_environment(const Places& places) {
  auto access_key = places.variable("AWS_ACCESS_KEY_ID");
  auto secret_key = places.variable("AWS_SECRET_ACCESS_KEY");
  if (access_key.empty() && secret_key.empty()) {
    return std::nullopt;
  }
  if (access_key.empty() || secret_key.empty()) {
    return fail(Errc::invalid, "{} is set without {}",
                access_key.empty() ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID",
                access_key.empty() ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY");
  }
  return lasting(std::move(access_key), std::move(secret_key), places.variable("AWS_SESSION_TOKEN"));
}

// --- a web identity ---------------------------------------------------------------------------------------

struct WebIdentity {
  std::string token_file;
  std::string role;
  std::string session;
};

std::string form_of(const WebIdentity& identity, const std::string& token) {
  return canonical_query({{"Action", "AssumeRoleWithWebIdentity"},
                          {"Version", "2011-06-15"},
                          {"RoleArn", identity.role},
                          {"RoleSessionName", identity.session.empty() ? "hearth" : identity.session},
                          {"WebIdentityToken", token}});
}

Result<AwsCredentials> credentials_of_sts(const io::XmlElement& answer) {
  const std::string at = "AssumeRoleWithWebIdentityResult/Credentials/";
  auto credentials = lasting(std::string(answer.text_at(at + "AccessKeyId")),
                             std::string(answer.text_at(at + "SecretAccessKey")),
                             std::string(answer.text_at(at + "SessionToken")));
  credentials.expires = parse_iso_time(answer.text_at(at + "Expiration"));
  if (credentials.keys.access_key.empty() || credentials.keys.secret_key.empty() || !credentials.expires) {
    return fail(Errc::invalid, "STS: the answer holds no keys");
  }
  return credentials;
}

Result<AwsCredentials> exchange(const Places& places, const WebIdentity& identity) {
  AGENT_TRY(const auto token, token_in(identity.token_file));
  auto endpoint = places.variable("AWS_ENDPOINT_URL_STS");
  if (endpoint.empty()) {
    endpoint = fmt::format("https://sts.{}.amazonaws.com", places.sources.region);
  }
  auto request = request_of("POST");
  request.headers.add("Content-Type", "application/x-www-form-urlencoded");
  request.headers.add("Accept", "application/xml");
  request.body = form_of(identity, token);
  AGENT_TRY(const auto answer, places.sources.pool.send(endpoint, std::move(request)));
  auto xml = io::parse_xml(answer.body, "STS");
  if (answer.status != 200) {
    const auto said =
        xml ? fmt::format("{}: {}", xml->text_at("Error/Code"), xml->text_at("Error/Message")) : "";
    auto error = error_of_answer({.operation = fmt::format("assume {} with a web identity", identity.role),
                                  .where = endpoint,
                                  .detail = excerpt_of(said),
                                  .way_out = "check the role's trust policy and the token's audience"},
                                 answer, places.sources.clock.wall());
    if (error.code == Errc::invalid) {
      error.code = Errc::denied;  // an expired or foreign token is a 400 there
    }
    return std::unexpected(std::move(error));
  }
  return xml ? credentials_of_sts(*xml) : std::unexpected(std::move(xml).error());
}

Found from_web_identity(const Places& places) {
  const WebIdentity identity{.token_file = places.variable("AWS_WEB_IDENTITY_TOKEN_FILE"),
                             .role = places.variable("AWS_ROLE_ARN"),
                             .session = places.variable("AWS_ROLE_SESSION_NAME")};
  if (identity.token_file.empty()) {
    return std::nullopt;
  }
  if (identity.role.empty()) {
    return fail(Errc::invalid, "AWS_WEB_IDENTITY_TOKEN_FILE is set without AWS_ROLE_ARN");
  }
  return exchange(places, identity);
}

// --- profiles ---------------------------------------------------------------------------------------------

Found from_profile(const Places& places) {
  const auto& variables = places.sources.variables;
  const auto name = aws_profile_name(variables, places.sources.profile);
  AGENT_TRY(auto profile, read_aws_profile(variables, name));
  const auto setting = [&](std::string_view key) {
    const auto found = profile.find(key);
    return found == profile.end() ? std::string() : found->second;
  };
  if (!setting("aws_access_key_id").empty() && !setting("aws_secret_access_key").empty()) {
    return lasting(setting("aws_access_key_id"), setting("aws_secret_access_key"),
                   setting("aws_session_token"));
  }
  if (!setting("web_identity_token_file").empty()) {
    return exchange(places, {.token_file = setting("web_identity_token_file"),
                             .role = setting("role_arn"),
                             .session = setting("role_session_name")});
  }
  for (const std::string_view other :
       {"credential_process", "sso_session", "sso_start_url", "source_profile"}) {
    if (!setting(other).empty()) {
      return fail(
          Errc::unsupported,
          "AWS profile '{}' uses {}, which this program does not run; export keys instead (aws configure "
          "export-credentials --format env)",
          name, other);
    }
  }
  const bool asked_for = !places.sources.profile.empty() || !places.variable("AWS_PROFILE").empty();
  if (asked_for) {
    return fail(Errc::denied, "AWS profile '{}' has no keys in the credentials or config file", name);
  }
  return std::nullopt;
}

// --- endpoints of the machine -----------------------------------------------------------------------------

Result<AwsCredentials> credentials_of_json(std::string_view text, std::string_view what) {
  AGENT_TRY(const auto json, io::parse_json(text, what, {.bytes = k_token_bytes}));
  auto credentials = lasting(json.text("AccessKeyId"), json.text("SecretAccessKey"), json.text("Token"));
  credentials.expires = parse_iso_time(json.text("Expiration"));
  if (credentials.keys.access_key.empty() || credentials.keys.secret_key.empty()) {
    return fail(Errc::denied, "{}: no keys: {}", what,
                excerpt_of(json.text("Code") + " " + json.text("Message")));
  }
  return credentials;
}

// Keys come in the clear, so only addresses that do not leave the machine's link may be asked for them so.
bool may_ask(std::string_view url) {
  const auto parts = net::split_url(url);
  if (!parts || parts->origin.starts_with("https://")) {
    return parts.has_value();
  }
  const auto authority = std::string_view(parts->origin).substr(std::string_view("http://").size());
  const auto end = authority.starts_with('[') ? authority.find(']') + 1 : authority.find(':');
  const auto host = authority.substr(0, end);
  const bool loopback =
      host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
  return loopback || host == "localhost" || host == "[::1]" || host == "169.254.170.2" ||
         host == "169.254.170.23" || host == "[fd00:ec2::23]";
}

Found from_container(const Places& places) {
  const auto relative = places.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const auto url = relative.empty() ? places.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI")
                                    : "http://169.254.170.2" + relative;
  if (url.empty()) {
    return std::nullopt;
  }
  if (!may_ask(url)) {
    return fail(Errc::invalid,
                "AWS_CONTAINER_CREDENTIALS_FULL_URI: neither https:// nor an address of this machine");
  }
  auto token = places.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  if (const auto file = places.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); !file.empty()) {
    AGENT_TRY(token, token_in(file));
  }
  auto request = request_of("GET");
  if (!token.empty()) {
    request.headers.add("Authorization", token);
  }
  AGENT_TRY(const auto answer, places.near.send(url, std::move(request)));
  if (answer.status != 200) {
    return std::unexpected(
        error_of_answer({.operation = "fetch AWS keys", .where = "the container's endpoint"}, answer,
                        places.sources.clock.wall()));
  }
  return credentials_of_json(answer.body, "container credentials");
}

Result<net::ClientResponse> ask_metadata(const Places& places, const std::string& url, std::string method,
                                         std::string_view token) {
  auto request = request_of(std::move(method));
  if (token.empty()) {
    request.headers.add("X-aws-ec2-metadata-token-ttl-seconds", "21600");
  } else {
    request.headers.add("X-aws-ec2-metadata-token", token);
  }
  return places.near.send(url, std::move(request));
}

// Where nobody answers this is no machine of EC2, and so no source of keys.
Found from_metadata(const Places& places) {
  if (lowered(places.variable("AWS_EC2_METADATA_DISABLED")) == "true") {
    return std::nullopt;
  }
  auto base = places.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  base = base.empty() ? "http://169.254.169.254" : base.substr(0, base.find_last_not_of('/') + 1);
  const auto token = ask_metadata(places, base + "/latest/api/token", "PUT", {});
  if (!token || token->status != 200) {
    return std::nullopt;
  }
  const auto roles = base + "/latest/meta-data/iam/security-credentials/";
  AGENT_TRY(const auto role, ask_metadata(places, roles, "GET", trimmed(token->body)));
  if (role.status == 404) {
    return std::nullopt;  // a machine without a role
  }
  const auto name = trimmed(role.body).substr(0, trimmed(role.body).find('\n'));
  AGENT_TRY(const auto answer, ask_metadata(places, roles + uri_encoded(name), "GET", trimmed(token->body)));
  if (answer.status != 200) {
    return std::unexpected(error_of_answer({.operation = "fetch AWS keys", .where = "the machine's metadata"},
                                           answer, places.sources.clock.wall()));
  }
  return credentials_of_json(answer.body, "machine metadata");
}

Result<AwsCredentials> search(const Places& places) {
  using Source = Found (*)(const Places&);
  constexpr std::array<Source, 5> k_all = {from_environment, from_web_identity, from_profile, from_container,
                                           from_metadata};
  constexpr std::array<Source, 1> k_named = {from_profile};
  const bool named = !places.sources.profile.empty();
  for (const auto source : named ? std::span<const Source>(k_named) : std::span<const Source>(k_all)) {
    AGENT_TRY(auto found, source(places));
    if (found) {
      return *std::move(found);
    }
  }
  return fail(
      Errc::denied,
      "no AWS keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_WEB_IDENTITY_TOKEN_FILE and "
      "AWS_ROLE_ARN, or a profile (AWS_PROFILE, ~/.aws), or give the container or machine a role");
}

}  // namespace

CredentialChain::CredentialChain(CredentialSources sources)
    : sources_(std::move(sources)),
      near_({.client = {.connect_timeout = k_near_timeout,
                        .timeout = k_near_timeout,
                        .max_answer_bytes = k_token_bytes,
                        .ca_file = {},
                        .proxy = {}},
             .proxies = {}}) {}

Result<AwsKeys> CredentialChain::keys() {
  const auto now = sources_.clock.wall();
  auto known = current_.with([](const auto& current) { return current; });
  if (known && (!known->expires || *known->expires > now + k_renew_before)) {
    return std::move(known)->keys;
  }
  auto found = search({.sources = sources_, .near = near_});
  if (!found) {
    if (known && *known->expires > now) {
      log::info("s3: keys are not renewed yet: {}", found.error().message);
      return std::move(known)->keys;
    }
    return with_context("AWS credentials", std::move(found).error());
  }
  current_.with([&](auto& current) { current = *found; });
  return std::move(found)->keys;
}

void CredentialChain::forget() {
  current_.with([](auto& current) { current.reset(); });
}

std::optional<Wall> parse_iso_time(std::string_view text) {
  constexpr std::string_view k_shape = "0000-00-00T00:00:00";
  const auto matches = [](char have, char want) {
    return want == '0' ? have >= '0' && have <= '9' : have == want;
  };
  if (text.size() <= k_shape.size() || !text.ends_with('Z') ||
      !std::ranges::equal(text.substr(0, k_shape.size()), k_shape, matches)) {
    return std::nullopt;
  }
  auto fraction = text.substr(k_shape.size(), text.size() - k_shape.size() - 1);
  if (!fraction.empty() && (!fraction.starts_with('.') ||
                            fraction.substr(1).find_first_not_of("0123456789") != std::string_view::npos)) {
    return std::nullopt;
  }
  const auto number = [&](std::size_t at, std::size_t digits) {
    return static_cast<unsigned>(net::parse_length(text.substr(at, digits)).value_or(0));
  };
  const std::chrono::year_month_day day{std::chrono::year(static_cast<int>(number(0, 4))),
                                        std::chrono::month(number(5, 2)), std::chrono::day(number(8, 2))};
  if (!day.ok() || number(11, 2) > 23 || number(14, 2) > 59 || number(17, 2) > 60) {
    return std::nullopt;
  }
  return std::chrono::sys_days(day) + std::chrono::hours(number(11, 2)) +
         std::chrono::minutes(number(14, 2)) + std::chrono::seconds(number(17, 2));
}

}  // namespace agent::backends
