#include "agent/backends/boringcache_signature.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/io/ed25519.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::backends {
namespace {

using agent::tests::FailsSaying;
using agent::tests::Succeeds;

const Digest k_key = *Digest::from_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");

SignedEntry entry() {
  return {.workspace = "acme/ci",
          .entry = "e_1",
          .tag = "rust",
          .root_digest = "sha256:aa",
          .storage_mode = "cas",
          .finalized_at = "2026-11-22T05:00:00Z",
          .signed_at = "2026-11-22T05:00:00Z"};
}

std::vector<std::string> trusted() {
  return {key_fingerprint("another"), key_fingerprint(io::ed25519_public_key(k_key))};
}

// As it comes over the wire.
EntrySignature received(const SignedEntry& said) {
  io::JsonObject answer;
  add_signature(sign_entry(said, k_key), answer);
  return signature_in(answer);
}

TEST(BoringcacheSignature, IsBelievedOfWhatWasSigned) {
  EXPECT_THAT(verify_entry(received(entry()), entry(), trusted()), Succeeds());
  EXPECT_THAT(verify_entry(received(entry()), {.tag = "rust", .root_digest = "sha256:aa"}, trusted()),
              Succeeds());
}

TEST(BoringcacheSignature, IsNotBelievedOfAnythingElse) {
  for (auto member : {&SignedEntry::workspace, &SignedEntry::entry, &SignedEntry::tag,
                      &SignedEntry::root_digest, &SignedEntry::storage_mode}) {
    auto other = entry();
    other.*member += "x";
    EXPECT_THAT(verify_entry(received(entry()), other, trusted()), FailsSaying("what is signed has"));
  }
}

TEST(BoringcacheSignature, OfAKeyThatIsNotTrustedIsRefused) {
  EXPECT_THAT(verify_entry(received(entry()), entry(), {key_fingerprint("another")}),
              FailsSaying("is trusted"));
}

TEST(BoringcacheSignature, ThatIsMissingIsRefused) {
  EXPECT_THAT(verify_entry(signature_in(io::JsonObject()), entry(), trusted()),
              FailsSaying("it is not signed"));
}

TEST(BoringcacheSignature, ThatWasChangedIsRefused) {
  auto changed = received(entry());
  changed.payload.replace(changed.payload.find("rust"), 4, "rest");
  auto wanted = entry();
  wanted.tag = "rest";

  EXPECT_THAT(verify_entry(changed, wanted, trusted()), FailsSaying("signature is wrong"));

  auto no_key = received(entry());
  no_key.key = "ed25519:AAAA";
  EXPECT_THAT(verify_entry(no_key, entry(), trusted()), FailsSaying("no Ed25519 key"));
}

TEST(BoringcacheSignature, OfTheOlderFormIsOfTagAndDigest) {
  auto older = received(entry());
  older.payload.clear();
  auto other = entry();
  other.root_digest = "sha256:bb";

  EXPECT_THAT(verify_entry(older, entry(), trusted()), Succeeds());
  EXPECT_THAT(verify_entry(older, other, trusted()), FailsSaying("signature is wrong"));
}

TEST(BoringcacheSignature, KeysAreNamedByTheirDigest) {
  const auto key = io::ed25519_public_key(k_key);

  EXPECT_EQ(key_text(key), "ed25519:PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=");
  EXPECT_TRUE(is_key_fingerprint(key_fingerprint(key)));
  EXPECT_FALSE(is_key_fingerprint("ed25519-sha256:12"));
  EXPECT_FALSE(is_key_fingerprint(key_text(key)));
}

}  // namespace
}  // namespace agent::backends
