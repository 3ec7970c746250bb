#include "agent/io/ed25519.hpp"

#include <gtest/gtest.h>

#include "agent/io/fd.hpp"

namespace agent::io {
namespace {

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

// RFC 8032, section 7.1, test 2.
const Digest k_private =
    *Digest::from_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
constexpr std::string_view k_public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
constexpr std::string_view k_signature =
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

TEST(Ed25519, IsThatOfTheStandard) {
  EXPECT_EQ(ed25519_public_key(k_private), from_hex(k_public));
  EXPECT_EQ(ed25519_sign(k_private, bytes_of("\x72")), from_hex(k_signature));
}

TEST(Ed25519, VerifiesWhatWasSignedAndNothingElse) {
  const auto key = ed25519_public_key(k_private);
  auto signature = ed25519_sign(k_private, bytes_of("tag"));

  EXPECT_TRUE(ed25519_verifies(bytes_of(key), bytes_of(signature), bytes_of("tag")));
  EXPECT_FALSE(ed25519_verifies(bytes_of(key), bytes_of(signature), bytes_of("tags")));
  EXPECT_FALSE(
      ed25519_verifies(bytes_of(ed25519_public_key(Digest{})), bytes_of(signature), bytes_of("tag")));
  signature.front() = static_cast<char>(signature.front() ^ 1);
  EXPECT_FALSE(ed25519_verifies(bytes_of(key), bytes_of(signature), bytes_of("tag")));
}

TEST(Ed25519, RefusesKeysAndSignaturesOfAnotherLength) {
  const auto key = ed25519_public_key(k_private);
  const auto signature = ed25519_sign(k_private, bytes_of("tag"));

  EXPECT_FALSE(ed25519_verifies(bytes_of(key).first(31), bytes_of(signature), bytes_of("tag")));
  EXPECT_FALSE(ed25519_verifies(bytes_of(key), bytes_of(signature).first(63), bytes_of("tag")));
  EXPECT_FALSE(ed25519_verifies({}, {}, {}));
}

}  // namespace
}  // namespace agent::io
