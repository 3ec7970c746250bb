#include "agent/server/signed_urls.hpp"

#include <optional>

#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "agent/net/http_syntax.hpp"
#include "agent/server/query.hpp"

namespace agent::server {

namespace {

std::string_view name_of(Access access) {
  return access == Access::get ? "get" : access == Access::put ? "put" : "archive";
}

std::optional<Access> access_of(std::string_view text) {
  return text == "get"       ? std::optional(Access::get)
         : text == "put"     ? std::optional(Access::put)
         : text == "archive" ? std::optional(Access::archive)
                             : std::nullopt;
}

std::uint64_t seconds_of(Wall time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count());
}

// "OWNER/NAME/DIGEST"
std::optional<Permission> parse_path(std::string_view path) {
  if (!path.starts_with(k_blobs_path)) {
    return std::nullopt;
  }
  path.remove_prefix(k_blobs_path.size());
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) {
    return std::nullopt;
  }
  auto workspace = parse_workspace(path.substr(0, slash));
  const auto digest = Digest::from_hex(path.substr(slash + 1));
  if (!workspace || !digest) {
    return std::nullopt;
  }
  return Permission{.access = Access::get,
                    .workspace = *std::move(workspace),
                    .blob = {.digest = *digest, .size_bytes = 0}};
}

}  // namespace

std::string SignedUrls::signature_of(const Permission& permission, std::uint64_t expires) const {
  auto message = fmt::format("hearth signed url 1\n{}\n{}\n{}\n{}\n{}", name_of(permission.access),
                             permission.workspace.slug(), permission.blob.digest.hex(),
                             permission.blob.size_bytes, expires);
  if (permission.access == Access::archive) {
    message += "\n" + permission.part;
  }
  return io::hmac_sha256(io::bytes_of(key_.reveal()), io::bytes_of(message)).hex();
}

std::string SignedUrls::make(std::string_view base, const Permission& permission) const {
  const auto expires = seconds_of(clock_.wall() + lifetime_);
  const auto part = permission.access == Access::archive ? "&n=" + permission.part : std::string();
  return fmt::format("{}{}{}/{}?m={}&s={}&e={}&h={}{}", base, k_blobs_path, permission.workspace.slug(),
                     permission.blob.digest.hex(), name_of(permission.access), permission.blob.size_bytes,
                     expires, signature_of(permission, expires), part);
}

Result<Permission> SignedUrls::check(std::string_view path, std::string_view query) const {
  auto permission = parse_path(path);
  const auto access = access_of(query_value(query, "m"));
  const auto size = net::parse_length(query_value(query, "s"));
  const auto expires = net::parse_length(query_value(query, "e"));
  if (!permission || !access || !size || !expires) {
    return fail(Errc::invalid, "this is no signed URL of this server");
  }
  permission->access = *access;
  permission->blob.size_bytes = *size;
  if (*access == Access::archive) {
    permission->part = query_value(query, "n");
  }
  if (!Secret(signature_of(*permission, *expires)).equals(query_value(query, "h"))) {
    return fail(Errc::denied, "the signature of this URL does not match");
  }
  if (*expires <= seconds_of(clock_.wall())) {
    return fail(Errc::denied, "this URL has expired");
  }
  return *std::move(permission);
}

}  // namespace agent::server
