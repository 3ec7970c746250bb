// AWS Signature Version 4 in the Authorization header, as S3 wants it (the path is encoded once). Pure
// functions; safe from any thread. Source: AWS, "Authenticating Requests: Using the Authorization Header
// (AWS Signature Version 4)" and its examples, read 2026-11. Guard: tests/backends/sigv4_test.cpp.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/core/clock.hpp"
#include "agent/core/digest.hpp"
#include "agent/core/secret.hpp"
#include "agent/net/http.hpp"

namespace agent::backends {

struct AwsKeys {
  std::string access_key;
  Secret secret_key;
  Secret session_token;  // empty: long-lived keys
};

// Names and values, not encoded.
using Query = std::vector<std::pair<std::string, std::string>>;

struct SigningScope {
  std::string_view region;
  std::string_view service = "s3";
  Wall time;
};

// What is signed: every header in `headers` and the host.
struct Signable {
  std::string_view method;
  std::string_view host;  // with its port where that is not the scheme's own
  std::string_view path;  // encoded
  const Query& query;
  const net::Headers& headers;
  std::string_view payload_sha256;  // hexadecimal
};

// All but A-Z a-z 0-9 - . _ ~ as %XX; `keep` is left alone too ("/" in paths).
std::string uri_encoded(std::string_view text, std::string_view keep = {});

// "a=1&b=", sorted by encoded name, then value: what is signed and what is sent.
std::string canonical_query(const Query& query);

std::string canonical_request(const Signable& request);

// "20130524T000000Z"
std::string amz_date(Wall time);

// The key that signs this day's requests of one region and service.
Digest signing_key(const Secret& secret_key, const SigningScope& scope);

// The value of the Authorization header. `request.headers` holds x-amz-date of the same time already.
std::string authorization_of(const Signable& request, const AwsKeys& keys, const SigningScope& scope);

}  // namespace agent::backends
