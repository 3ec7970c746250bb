// "boringcache://host[:port]/owner/workspace?scheme=http&ca=FILE&key=FINGERPRINT" and the tokens that open
// it. Values; parsing is safe from any thread. Source: the BoringCache CLI 1.13, read 2026-11
// (docs/protocols/boringcache.md).
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "agent/backends/builtin.hpp"
#include "agent/backends/object_storage.hpp"
#include "agent/core/result.hpp"
#include "agent/core/secret.hpp"
#include "agent/io/file.hpp"

namespace agent::backends {

struct BoringcacheAddress {
  std::string base;       // "https://host[:port]"
  std::string workspace;  // "owner/name"
  io::fs::path ca_file;   // empty: the system's certificates only
  // Fingerprints of the keys whose signatures are believed; empty: nobody asks for signatures.
  std::vector<std::string> trusted_keys = {};

  // "boringcache://host/owner/name", and how to reach it where that is not the usual way; for people to use
  std::string describe() const;

  // Of a path below the workspace: "/caches/blobs/stage".
  std::string url_of(std::string_view path) const;
};

// TLS, except on loopback without `ca`, and where the URL says scheme=http. Without a host
// ("boringcache:///owner/name") it is that of BORINGCACHE_API_URL, else the service's own. Without `key` the
// keys of BORINGCACHE_TRUSTED_WORKSPACE_KEY_FINGERPRINT are trusted, if it is set. Errors: invalid.
Result<BoringcacheAddress> parse_boringcache_address(const StorageUrl& url, const Variables& variables);

// The variables that a storage of this kind reads.
constexpr std::array<const char*, 7> k_boringcache_variables = {
    "BORINGCACHE_RESTORE_TOKEN",
    "BORINGCACHE_SAVE_TOKEN",
    "BORINGCACHE_ADMIN_TOKEN",
    "BORINGCACHE_API_TOKEN",
    "BORINGCACHE_TOKEN_FILE",
    "BORINGCACHE_API_URL",
    "BORINGCACHE_TRUSTED_WORKSPACE_KEY_FINGERPRINT"};

// Empty ones: there is no such token.
struct BoringcacheTokens {
  Secret restore;
  Secret save;
};

// For restoring the first of RESTORE, SAVE, ADMIN, API; for saving of SAVE, ADMIN, API; for either, where
// none is set, what the file of BORINGCACHE_TOKEN_FILE, else /run/secrets/bc_token, holds.
// Errors: denied (no token at all, naming where one is looked for), those of reading the file it names.
Result<BoringcacheTokens> find_boringcache_tokens(const Variables& variables);

}  // namespace agent::backends
