#include "agent/io/checksum.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cstring>
#include <new>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

namespace agent::io {

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() {
    if (context == nullptr || EVP_DigestInit_ex(context, EVP_sha256(), nullptr) != 1) {
      throw std::bad_alloc();
    }
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(state_->context, bytes.data(), bytes.size());
}

Digest Sha256::finish() {
  Digest digest;
  EVP_DigestFinal_ex(state_->context, digest.bytes.data(), nullptr);
  EVP_DigestInit_ex(state_->context, nullptr, nullptr);
  return digest;
}

Digest sha256(std::span<const std::byte> bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

Digest hmac_sha256(std::span<const std::byte> key, std::span<const std::byte> message) {
  Digest digest;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(message.data());
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes, message.size(), digest.bytes.data(),
           nullptr) == nullptr) {
    throw std::bad_alloc();
  }
  return digest;
}

namespace {

constexpr std::uint32_t k_polynomial = 0x82F63B78;

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value & 1U) != 0 ? (value >> 1U) ^ k_polynomial : value >> 1U;
    }
    table.at(i) = value;
  }
  return table;
}

constexpr auto k_table = make_table();

std::uint32_t crc32c_table(std::span<const std::byte> bytes, std::uint32_t state) {
  for (const auto byte : bytes) {
    state = (state >> 8U) ^ k_table[(state ^ static_cast<std::uint32_t>(byte)) & 0xFFU];
  }
  return state;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_hardware(std::span<const std::byte> bytes,
                                                                std::uint32_t state) {
  std::uint64_t wide = state;
  while (bytes.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    wide = _mm_crc32_u64(wide, word);
    bytes = bytes.subspan(sizeof word);
  }
  state = static_cast<std::uint32_t>(wide);
  for (const auto byte : bytes) {
    state = _mm_crc32_u8(state, static_cast<std::uint8_t>(byte));
  }
  return state;
}

bool has_hardware() {
  return __builtin_cpu_supports("sse4.2") != 0;
}
#elif defined(__ARM_FEATURE_CRC32)
std::uint32_t crc32c_hardware(std::span<const std::byte> bytes, std::uint32_t state) {
  while (bytes.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    state = __crc32cd(state, word);
    bytes = bytes.subspan(sizeof word);
  }
  for (const auto byte : bytes) {
    state = __crc32cb(state, static_cast<std::uint8_t>(byte));
  }
  return state;
}

bool has_hardware() {
  return true;
}
#else
std::uint32_t crc32c_hardware(std::span<const std::byte> bytes, std::uint32_t state) {
  return crc32c_table(bytes, state);
}

bool has_hardware() {
  return false;
}
#endif

}  // namespace

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t seed) {
  static const bool hardware = has_hardware();
  const std::uint32_t state = ~seed;
  return ~(hardware ? crc32c_hardware(bytes, state) : crc32c_table(bytes, state));
}

}  // namespace agent::io
