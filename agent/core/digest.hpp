// The name of immutable bytes: their SHA-256. Value type, ordered, hashable.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace agent {

struct Digest {
  std::array<std::uint8_t, 32> bytes{};

  auto operator<=>(const Digest&) const = default;

  // 64 lower-case hexadecimal digits.
  std::string hex() const;

  // Accepts exactly 64 lower-case hexadecimal digits; anything else is empty.
  static std::optional<Digest> from_hex(std::string_view text);
};

struct DigestHash {
  std::size_t operator()(const Digest& digest) const {
    std::size_t value = 0;
    std::memcpy(&value, digest.bytes.data(), sizeof value);
    return value;
  }
};

// Lower-case hexadecimal of any bytes.
std::string to_hex(const std::uint8_t* bytes, std::size_t count);

// The number that sixteen hexadecimal digits are; empty for any other text.
constexpr std::size_t k_number_digits = 16;
std::optional<std::uint64_t> number_of_hex(std::string_view digits);

}  // namespace agent
