// SHA-256 and HMAC (OpenSSL) and CRC-32C (Castagnoli, RFC 3720 appendix B.4; the processor's instruction
// where it has one). A hasher is used by one thread at a time; the free functions are safe from any.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "agent/core/digest.hpp"

namespace agent::io {

class Sha256 final {
public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void update(std::span<const std::byte> bytes);

  // Ends the hash; the object starts anew with the next update.
  Digest finish();

private:
  struct State;
  std::unique_ptr<State> state_;
};

Digest sha256(std::span<const std::byte> bytes);

// HMAC-SHA-256, RFC 2104.
Digest hmac_sha256(std::span<const std::byte> key, std::span<const std::byte> message);

// Continues from `seed`, which is 0 or an earlier result: crc32c(b, crc32c(a)) == crc32c(ab).
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t seed = 0);

}  // namespace agent::io
