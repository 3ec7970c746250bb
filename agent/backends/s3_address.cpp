#include "agent/backends/s3_address.hpp"

#include <algorithm>
#include <array>

#include "agent/backends/aws_profile.hpp"
#include "agent/backends/object_name.hpp"
#include "agent/backends/sigv4.hpp"
#include "agent/backends/url_settings.hpp"
#include "agent/core/text.hpp"
#include "agent/net/client_pool.hpp"

namespace agent::backends {

namespace {

constexpr std::array<std::string_view, 5> k_settings = {"endpoint", "region", "path-style", "ca", "profile"};
constexpr std::string_view k_example = "s3://bucket/prefix?endpoint=https://host:9000&region=us-east-1";

// Amazon S3 User Guide, "General purpose bucket naming rules"; upper case and underscores are older buckets'.
Result<void> check_bucket(std::string_view bucket) {
  const bool plain = std::ranges::all_of(bucket, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
  });
  if (bucket.size() < 3 || bucket.size() > 63 || !plain || bucket.front() == '.' || bucket.front() == '-' ||
      bucket.back() == '.' || bucket.back() == '-' || bucket.contains("..")) {
    return fail(Errc::invalid, "'{}' is no name of a bucket; write {}", bucket, k_example);
  }
  return {};
}

Result<std::string> parse_prefix(std::string_view text) {
  while (text.ends_with('/')) {
    text.remove_suffix(1);
  }
  if (text.empty()) {
    return std::string();
  }
  AGENT_CHECK(check_object_name(text));
  return std::string(text) + "/";
}

Result<std::string> check_endpoint(const std::string& endpoint) {
  auto split = net::split_url(endpoint);
  const auto client = split ? net::HttpClient::to_url(split->origin) : std::unexpected(split.error());
  if (!client || split->target != "/") {
    return fail(Errc::invalid, "endpoint '{}': a URL such as https://host:9000 is needed, without a path",
                endpoint.substr(0, endpoint.find_first_of("?@")));
  }
  return std::move(split)->origin;
}

Result<std::string> region_of(const std::string& wanted, const Variables& variables,
                              std::string_view profile) {
  std::string region = wanted;
  for (const auto* const name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    region = region.empty() ? variables(name) : region;
  }
  if (region.empty()) {
    AGENT_TRY(auto settings, read_aws_profile(variables, aws_profile_name(variables, profile)));
    region = settings["region"];
  }
  if (region.empty()) {
    return std::string("us-east-1");
  }
  const bool plain = std::ranges::all_of(
      region, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
  if (!plain) {
    return fail(Errc::invalid, "'{}' is no region; one is written like eu-central-1", region);
  }
  return region;
}

Result<S3Address> parse(const StorageUrl& url, const Variables& variables) {
  const auto question = std::min(url.rest.find('?'), url.rest.size());
  const auto place = std::string_view(url.rest).substr(0, question);
  AGENT_TRY(auto settings,
            parse_url_settings(std::string_view(url.rest).substr(std::min(question + 1, url.rest.size())),
                               k_settings, "an s3 URL"));
  S3Address address;
  const auto slash = std::min(place.find('/'), place.size());
  address.bucket = place.substr(0, slash);
  AGENT_CHECK(check_bucket(address.bucket));
  AGENT_TRY(address.prefix, parse_prefix(place.substr(std::min(slash + 1, place.size()))));
  address.profile = settings["profile"];
  AGENT_TRY(address.region, region_of(settings["region"], variables, address.profile));
  auto endpoint = settings["endpoint"];
  for (const auto* const name : {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"}) {
    endpoint = endpoint.empty() ? variables(name) : endpoint;
  }
  const bool of_aws = endpoint.empty();
  AGENT_TRY(address.endpoint,
            of_aws ? fmt::format("https://s3.{}.amazonaws.com", address.region) : check_endpoint(endpoint));
  address.path_style = !of_aws || address.bucket.contains('.');
  if (const auto& style = settings["path-style"]; !style.empty()) {
    AGENT_TRY(address.path_style, parse_bool(style, "path-style"));
  }
  address.ca_file = settings["ca"].empty() ? variables("AWS_CA_BUNDLE") : settings["ca"];
  return address;
}

}  // namespace

std::string S3Address::describe() const {
  auto text = fmt::format("s3://{}/{}", bucket, prefix);
  while (text.ends_with('/')) {
    text.pop_back();
  }
  return endpoint.ends_with(".amazonaws.com") ? text : fmt::format("{}?endpoint={}", text, endpoint);
}

std::string S3Address::host() const {
  const auto authority = endpoint.substr(endpoint.find("://") + 3);
  return path_style ? authority : fmt::format("{}.{}", bucket, authority);
}

std::string S3Address::path_of(std::string_view key) const {
  const auto encoded = key.empty() ? std::string() : uri_encoded(prefix + std::string(key), "/");
  if (!path_style) {
    return "/" + encoded;
  }
  return encoded.empty() ? fmt::format("/{}", bucket) : fmt::format("/{}/{}", bucket, encoded);
}

std::string S3Address::url_of(std::string_view key) const {
  return fmt::format("{}{}{}", endpoint.substr(0, endpoint.find("://") + 3), host(), path_of(key));
}

Result<S3Address> parse_s3_address(const StorageUrl& url, const Variables& variables) {
  auto address = parse(url, variables);
  if (!address) {
    return with_context("backend s3://", std::move(address).error());
  }
  return address;
}

}  // namespace agent::backends
