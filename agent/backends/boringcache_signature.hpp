// The signature that a server puts under a tag: that this workspace's tag had this content. Ed25519; a key is
// written "ed25519:<base64>" and named by its fingerprint, "ed25519-sha256:<64 hexadecimal digits>". Made by
// `hearth server`, verified by its clients, so both forms are here. Values and pure functions; safe from any
// thread. Source: the BoringCache CLI 1.13, signing/policy.rs, read 2026-11 (docs/protocols/boringcache.md).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/core/digest.hpp"
#include "agent/core/result.hpp"
#include "agent/io/json.hpp"

namespace agent::backends {

// What is signed of a tag.
struct SignedEntry {
  std::string workspace;
  std::string entry;  // its id
  std::string tag;
  std::string root_digest;
  std::string storage_mode;
  std::string finalized_at;  // RFC 3339
  std::string signed_at;
};

struct EntrySignature {
  std::string key;        // "ed25519:…"
  std::string payload;    // JSON, exactly as it was signed; empty: only `legacy`
  std::string signature;  // of the payload, base64
  std::string legacy;     // of "tag:root_digest", base64
  std::string signed_at;
  bool operator==(const EntrySignature&) const = default;
};

std::string key_text(std::string_view public_key);
// Of 32 bytes. REQUIRES: nothing; whatever bytes these are get a name.
std::string key_fingerprint(std::string_view public_key);
bool is_key_fingerprint(std::string_view text);

EntrySignature sign_entry(const SignedEntry& entry, const Digest& private_key);

// The members of a restore or a pointer that carry it: added to `answer`, read from it. Read: all empty where
// there are none.
void add_signature(const EntrySignature& signature, io::JsonObject& answer);
EntrySignature signature_in(const io::Json& answer);

// Errors: denied (missing, by a key that is not trusted, not of this content), saying which.
// What is empty in `expected` is not compared. REQUIRES: tag and root_digest are not empty.
Result<void> verify_entry(const EntrySignature& signature, const SignedEntry& expected,
                          const std::vector<std::string>& trusted);

}  // namespace agent::backends
