#include "agent/backends/sigv4.hpp"

#include <fmt/chrono.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "agent/core/text.hpp"
#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"

namespace agent::backends {

namespace {

constexpr std::string_view k_algorithm = "AWS4-HMAC-SHA256";

using Field = std::pair<std::string, std::string>;

// Blanks in a row become one.
std::string squeezed(std::string_view text) {
  std::string squeezed_text;
  for (const char c : trimmed(text)) {
    if (c != ' ' || !squeezed_text.ends_with(' ')) {
      squeezed_text += c;
    }
  }
  return squeezed_text;
}

std::vector<Field> signed_fields(const Signable& request) {
  std::vector<Field> fields = {{"host", std::string(request.host)}};
  for (const auto& [name, value] : request.headers.all()) {
    fields.emplace_back(lowered(name), squeezed(value));
  }
  std::ranges::sort(fields);
  return fields;
}

std::string names_of(const std::vector<Field>& fields) {
  std::string names;
  for (const auto& [name, value] : fields) {
    names += names.empty() ? name : ";" + name;
  }
  return names;
}

Digest keyed(const Digest& key, std::string_view message) {
  return io::hmac_sha256(std::as_bytes(std::span(key.bytes)), io::bytes_of(message));
}

std::string day_of(Wall time) {
  return amz_date(time).substr(0, 8);
}

std::string scope_text(const SigningScope& scope) {
  return fmt::format("{}/{}/{}/aws4_request", day_of(scope.time), scope.region, scope.service);
}

}  // namespace

std::string uri_encoded(std::string_view text, std::string_view keep) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~' || keep.contains(c);
    if (plain) {
      encoded += c;
    } else {
      fmt::format_to(std::back_inserter(encoded), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

std::string canonical_query(const Query& query) {
  std::vector<Field> encoded;
  for (const auto& [name, value] : query) {
    encoded.emplace_back(uri_encoded(name), uri_encoded(value));
  }
  std::ranges::sort(encoded);
  std::string text;
  for (const auto& [name, value] : encoded) {
    text += fmt::format("{}{}={}", text.empty() ? "" : "&", name, value);
  }
  return text;
}

std::string canonical_request(const Signable& request) {
  const auto fields = signed_fields(request);
  std::string text =
      fmt::format("{}\n{}\n{}\n", request.method, request.path, canonical_query(request.query));
  for (const auto& [name, value] : fields) {
    text += fmt::format("{}:{}\n", name, value);
  }
  text += fmt::format("\n{}\n{}", names_of(fields), request.payload_sha256);
  return text;
}

std::string amz_date(Wall time) {
  return fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

Digest signing_key(const Secret& secret_key, const SigningScope& scope) {
  const auto first = "AWS4" + secret_key.reveal();
  const auto day = io::hmac_sha256(io::bytes_of(first), io::bytes_of(day_of(scope.time)));
  return keyed(keyed(keyed(day, scope.region), scope.service), "aws4_request");
}

std::string authorization_of(const Signable& request, const AwsKeys& keys, const SigningScope& scope) {
  const auto digest = io::sha256(io::bytes_of(canonical_request(request))).hex();
  const auto to_sign =
      fmt::format("{}\n{}\n{}\n{}", k_algorithm, amz_date(scope.time), scope_text(scope), digest);
  return fmt::format("{} Credential={}/{},SignedHeaders={},Signature={}", k_algorithm, keys.access_key,
                     scope_text(scope), names_of(signed_fields(request)),
                     keyed(signing_key(keys.secret_key, scope), to_sign).hex());
}

}  // namespace agent::backends
