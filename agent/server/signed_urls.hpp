// URLs that carry their own permission: one method, one blob of one workspace with its size, until a moment.
// HMAC-SHA-256 over all of these; nothing of it can be changed, and the URL of one blob opens no other.
// An archive is the exception: nobody knows its digest before it arrived, so its URL is of one part of one
// entry, whatever the bytes, up to a size.
// Thread-safe. Form: PATH?m=get|put&s=SIZE&e=SECONDS-SINCE-1970&h=HEX, where PATH is
// /v2/blobs/OWNER/NAME/DIGEST; of an archive m=archive, the digest is zero, and n=ENTRY.PART is added.
// Whoever has the URL has the permission: they are not logged.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/core/clock.hpp"
#include "agent/core/result.hpp"
#include "agent/core/secret.hpp"
#include "agent/server/names.hpp"

namespace agent::server {

enum class Access : std::uint8_t { get, put, archive };

struct Permission {
  Access access = Access::get;
  Workspace workspace;
  Blob blob;              // of an archive: only the most bytes that it may have
  std::string part = {};  // of an archive: "ENTRY.PART"
  bool operator==(const Permission&) const = default;
};

constexpr std::string_view k_blobs_path = "/v2/blobs/";

class SignedUrls final {
public:
  // `key`: what all replicas share, at least 32 random bytes. `clock` outlives it.
  SignedUrls(Secret key, const Clock& clock, std::chrono::seconds lifetime = std::chrono::hours(1))
      : key_(std::move(key)), clock_(clock), lifetime_(lifetime) {}

  // `base` is how clients reach this server: "https://cache.example.org".
  std::string make(std::string_view base, const Permission& permission) const;

  // What path and query, as received, allow. Errors: denied (expired, changed, or of another key), invalid
  // (not of this form).
  Result<Permission> check(std::string_view path, std::string_view query) const;

private:
  std::string signature_of(const Permission& permission, std::uint64_t expires) const;

  Secret key_;
  const Clock& clock_;
  std::chrono::seconds lifetime_;
};

}  // namespace agent::server
