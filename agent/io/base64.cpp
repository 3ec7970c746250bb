#include "agent/io/base64.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace agent::io {

namespace {

constexpr std::string_view k_letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t k_no_letter = 64;

constexpr std::array<std::uint8_t, 256> values_of_letters() {
  std::array<std::uint8_t, 256> values{};
  values.fill(k_no_letter);
  for (std::size_t i = 0; i < k_letters.size(); ++i) {
    values[static_cast<std::uint8_t>(k_letters[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}

constexpr auto k_values = values_of_letters();

}  // namespace

std::string to_base64(std::span<const std::byte> bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const auto group = bytes.subspan(at, std::min<std::size_t>(3, bytes.size() - at));
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      bits = (bits << 8U) | (i < group.size() ? std::to_integer<std::uint32_t>(group[i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      const bool has_bits = i <= group.size();
      text.push_back(has_bits ? k_letters[(bits >> (18U - (6U * i))) & 63U] : '=');
    }
  }
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) {
    return std::nullopt;
  }
  const auto letters = text.substr(0, text.find_last_not_of('=') + 1);
  const auto padding = text.size() - letters.size();
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char letter : letters) {
    const auto value = k_values[static_cast<std::uint8_t>(letter)];
    if (value == k_no_letter) {
      return std::nullopt;
    }
    bits = (bits << 6U) | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes.push_back(static_cast<char>(static_cast<std::uint8_t>(bits >> count)));
      bits &= (1U << count) - 1;
    }
  }
  if (padding > 2 || bits != 0 || bytes.size() + padding != text.size() / 4 * 3) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace agent::io
