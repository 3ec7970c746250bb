#include "agent/server/signer.hpp"

#include <fmt/format.h>

#include "agent/io/checksum.hpp"
#include "agent/io/ed25519.hpp"
#include "agent/io/fd.hpp"
#include "agent/server/call.hpp"

namespace agent::server {

Digest Signer::private_key(const Workspace& workspace) const {
  const auto purpose = fmt::format("hearth entry signatures 1\n{}", workspace.slug());
  return io::hmac_sha256(io::bytes_of(secret_.reveal()), io::bytes_of(purpose));
}

Signer::Key Signer::key_of(const Workspace& workspace) const {
  const auto key = io::ed25519_public_key(private_key(workspace));
  return {.text = backends::key_text(key), .fingerprint = backends::key_fingerprint(key)};
}

backends::EntrySignature Signer::sign(const Workspace& workspace, std::string_view tag,
                                      const TagRecord& record, std::uint64_t now_ms) const {
  const auto now = time_text(now_ms);
  return backends::sign_entry({.workspace = workspace.slug(),
                               .entry = record.entry,
                               .tag = std::string(tag),
                               .root_digest = record.root_digest(),
                               .storage_mode = record.description.text("storage_mode", "archive"),
                               .finalized_at = now,
                               .signed_at = now},
                              private_key(workspace));
}

}  // namespace agent::server
