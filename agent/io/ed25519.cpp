#include "agent/io/ed25519.hpp"

#include <openssl/evp.h>

#include <memory>
#include <new>
#include <stdexcept>

namespace agent::io {

namespace {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Context = std::unique_ptr<EVP_MD_CTX, Free>;

const unsigned char* raw(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

unsigned char* raw(std::string& bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

[[noreturn]] void refused() {
  throw std::runtime_error("Ed25519: OpenSSL refuses it; a FIPS configuration may leave it out");
}

Key private_of(const Digest& key) {
  Key made(EVP_PKEY_new_raw_private_key(
      EVP_PKEY_ED25519, nullptr, reinterpret_cast<const unsigned char*>(key.bytes.data()), key.bytes.size()));
  if (!made) {
    refused();  // of 32 bytes every key is one
  }
  return made;
}

Context context() {
  Context made(EVP_MD_CTX_new());
  if (!made) {
    throw std::bad_alloc();
  }
  return made;
}

}  // namespace

std::string ed25519_public_key(const Digest& private_key) {
  const auto key = private_of(private_key);
  std::string bytes(k_ed25519_key_bytes, '\0');
  auto size = bytes.size();
  if (EVP_PKEY_get_raw_public_key(key.get(), raw(bytes), &size) != 1) {
    refused();
  }
  return bytes;
}

std::string ed25519_sign(const Digest& private_key, std::span<const std::byte> message) {
  const auto key = private_of(private_key);
  const auto signing = context();
  std::string signature(k_ed25519_signature_bytes, '\0');
  auto size = signature.size();
  if (EVP_DigestSignInit(signing.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
      EVP_DigestSign(signing.get(), raw(signature), &size, raw(message), message.size()) != 1) {
    refused();
  }
  return signature;
}

bool ed25519_verifies(std::span<const std::byte> public_key, std::span<const std::byte> signature,
                      std::span<const std::byte> message) {
  if (public_key.size() != k_ed25519_key_bytes || signature.size() != k_ed25519_signature_bytes) {
    return false;
  }
  const Key key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw(public_key), public_key.size()));
  if (!key) {
    return false;
  }
  const auto verifying = context();
  return EVP_DigestVerifyInit(verifying.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(verifying.get(), raw(signature), signature.size(), raw(message), message.size()) ==
             1;
}

}  // namespace agent::io
