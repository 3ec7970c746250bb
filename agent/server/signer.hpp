// Signs what tags say, with a key of each workspace that all of them are derived from one secret for, so that
// every server that has the secret has the keys. Thread-safe; computes, and does not block.
#pragma once

#include <string>

#include "agent/backends/boringcache_signature.hpp"
#include "agent/core/secret.hpp"
#include "agent/server/names.hpp"
#include "agent/server/records.hpp"

namespace agent::server {

class Signer final {
public:
  explicit Signer(Secret secret) : secret_(std::move(secret)) {}

  // The public key of a workspace: "ed25519:…" and its fingerprint.
  struct Key {
    std::string text;
    std::string fingerprint;
  };
  Key key_of(const Workspace& workspace) const;

  // Under `record` as the tag `tag` (one that is found by its digest alone has a name of its own), as of
  // `now_ms`.
  backends::EntrySignature sign(const Workspace& workspace, std::string_view tag, const TagRecord& record,
                                std::uint64_t now_ms) const;

private:
  Digest private_key(const Workspace& workspace) const;

  Secret secret_;
};

}  // namespace agent::server
