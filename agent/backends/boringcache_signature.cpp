#include "agent/backends/boringcache_signature.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "agent/io/base64.hpp"
#include "agent/io/checksum.hpp"
#include "agent/io/ed25519.hpp"
#include "agent/io/fd.hpp"

namespace agent::backends {

namespace {

constexpr std::string_view k_key_prefix = "ed25519:";
constexpr std::string_view k_fingerprint_prefix = "ed25519-sha256:";
constexpr std::string_view k_type = "com.boringcache.cache-entry.v1";
constexpr int k_version = 1;
constexpr std::size_t k_longest_payload = 4096;

using SignedMember = std::pair<const char*, std::string SignedEntry::*>;
constexpr std::array<SignedMember, 7> k_members = {{{"workspace_id", &SignedEntry::workspace},
                                                    {"cache_entry_id", &SignedEntry::entry},
                                                    {"tag", &SignedEntry::tag},
                                                    {"manifest_root_digest", &SignedEntry::root_digest},
                                                    {"storage_mode", &SignedEntry::storage_mode},
                                                    {"finalized_at", &SignedEntry::finalized_at},
                                                    {"signed_at", &SignedEntry::signed_at}}};

std::string legacy_text(const SignedEntry& entry) {
  return fmt::format("{}:{}", entry.tag, entry.root_digest);
}

bool verifies(std::string_view key, std::string_view signature, std::string_view text) {
  const auto bytes = io::from_base64(signature);
  return bytes && io::ed25519_verifies(io::bytes_of(key), io::bytes_of(*bytes), io::bytes_of(text));
}

// With or without the prefix; empty where it is no key.
std::optional<std::string> key_in(std::string_view text) {
  if (text.starts_with(k_key_prefix)) {
    text.remove_prefix(k_key_prefix.size());
  }
  auto key = io::from_base64(text);
  return key && key->size() == io::k_ed25519_key_bytes ? std::move(key) : std::nullopt;
}

// That the signed text says what the answer says.
Result<void> verify_payload(const EntrySignature& signature, const SignedEntry& expected,
                            std::string_view fingerprint) {
  const auto payload =
      io::parse_json(signature.payload, "signed text", {.bytes = k_longest_payload, .depth = 2});
  if (!payload || payload->text("type") != k_type) {
    return fail(Errc::denied, "what is signed is no entry");
  }
  if (payload->text("key_id") != fingerprint) {
    return fail(Errc::denied, "what is signed names another key");
  }
  for (const auto& [name, member] : k_members) {
    const auto text = payload->text(name);
    if (text.empty() || (!(expected.*member).empty() && text != expected.*member)) {
      return fail(Errc::denied, "what is signed has {} '{}', not '{}'", name, text, expected.*member);
    }
  }
  return {};
}

}  // namespace

std::string key_text(std::string_view public_key) {
  return std::string(k_key_prefix) + io::to_base64(io::bytes_of(public_key));
}

std::string key_fingerprint(std::string_view public_key) {
  return std::string(k_fingerprint_prefix) + io::sha256(io::bytes_of(public_key)).hex();
}

bool is_key_fingerprint(std::string_view text) {
  return text.starts_with(k_fingerprint_prefix) &&
         Digest::from_hex(text.substr(k_fingerprint_prefix.size())).has_value();
}

EntrySignature sign_entry(const SignedEntry& entry, const Digest& private_key) {
  const auto key = io::ed25519_public_key(private_key);
  io::JsonObject payload{{"type", k_type}, {"key_id", key_fingerprint(key)}};
  for (const auto& [name, member] : k_members) {
    payload[name] = entry.*member;
  }
  EntrySignature made{.key = key_text(key),
                      .payload = io::Json(std::move(payload)).dump(),
                      .signature = {},
                      .legacy = {},
                      .signed_at = entry.signed_at};
  const auto sign = [&](std::string_view text) {
    return io::to_base64(io::bytes_of(io::ed25519_sign(private_key, io::bytes_of(text))));
  };
  made.signature = sign(made.payload);
  made.legacy = sign(legacy_text(entry));
  return made;
}

void add_signature(const EntrySignature& signature, io::JsonObject& answer) {
  const auto fingerprint = key_fingerprint(key_in(signature.key).value_or(std::string()));
  answer["workspace_signing_public_key"] = signature.key;
  answer["workspace_signing_key_fingerprint"] = fingerprint;
  answer["server_signing_key_id"] = fingerprint;
  answer["server_signature"] = signature.legacy;
  answer["server_signature_payload"] = signature.payload;
  answer["server_envelope_signature"] = signature.signature;
  answer["server_signature_version"] = k_version;
  answer["server_signed_at"] = signature.signed_at;
}

EntrySignature signature_in(const io::Json& answer) {
  return {.key = answer.text("workspace_signing_public_key"),
          .payload = answer.text("server_signature_payload"),
          .signature = answer.text("server_envelope_signature", answer.text("server_signature")),
          .legacy = answer.text("server_signature"),
          .signed_at = answer.text("server_signed_at")};
}

Result<void> verify_entry(const EntrySignature& signature, const SignedEntry& expected,
                          const std::vector<std::string>& trusted) {
  const bool is_signed = !signature.key.empty() && (!signature.payload.empty() || !signature.legacy.empty());
  if (!is_signed) {
    return fail(Errc::denied, "it is not signed, and only what {} signed is trusted",
                fmt::join(trusted, " or "));
  }
  const auto key = key_in(signature.key);
  if (!key) {
    return fail(Errc::denied, "the key of its signature is no Ed25519 key");
  }
  const auto fingerprint = key_fingerprint(*key);
  if (std::ranges::find(trusted, fingerprint) == trusted.end()) {
    return fail(
        Errc::denied,
        "it is signed by {}, and only {} is trusted; if `hearth workspace show` names that key, trust it",
        fingerprint, fmt::join(trusted, " or "));
  }
  const bool is_true = signature.payload.empty() ? verifies(*key, signature.legacy, legacy_text(expected))
                                                 : verifies(*key, signature.signature, signature.payload);
  if (!is_true) {
    return fail(Errc::denied, "its signature is wrong");
  }
  return signature.payload.empty() ? Result<void>() : verify_payload(signature, expected, fingerprint);
}

}  // namespace agent::backends
