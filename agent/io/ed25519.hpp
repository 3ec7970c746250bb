// Ed25519 signatures (RFC 8032, by OpenSSL). Pure functions over values; safe from any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "agent/core/digest.hpp"

namespace agent::io {

constexpr std::size_t k_ed25519_key_bytes = 32;
constexpr std::size_t k_ed25519_signature_bytes = 64;

// The public key that goes with a private one. A private key is any 32 bytes that nobody can guess.
std::string ed25519_public_key(const Digest& private_key);

std::string ed25519_sign(const Digest& private_key, std::span<const std::byte> message);

// False as well where key or signature have another length, or are no point of the curve.
bool ed25519_verifies(std::span<const std::byte> public_key, std::span<const std::byte> signature,
                      std::span<const std::byte> message);

}  // namespace agent::io
