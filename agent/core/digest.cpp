#include "agent/core/digest.hpp"

#include <charconv>
#include <system_error>

namespace agent {

namespace {

constexpr std::string_view k_digits = "0123456789abcdef";

}  // namespace

std::string to_hex(const std::uint8_t* bytes, std::size_t count) {
  std::string text;
  text.reserve(count * 2);
  for (std::size_t i = 0; i < count; ++i) {
    text.push_back(k_digits[bytes[i] >> 4U]);
    text.push_back(k_digits[bytes[i] & 0xFU]);
  }
  return text;
}

std::string Digest::hex() const {
  return to_hex(bytes.data(), bytes.size());
}

std::optional<Digest> Digest::from_hex(std::string_view text) {
  Digest digest;
  if (text.size() != digest.bytes.size() * 2) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto value = k_digits.find(text[i]);
    if (value == std::string_view::npos) {
      return std::nullopt;
    }
    auto& byte = digest.bytes.at(i / 2);
    byte = static_cast<std::uint8_t>((static_cast<std::size_t>(byte) << 4U) | value);
  }
  return digest;
}

std::optional<std::uint64_t> number_of_hex(std::string_view digits) {
  std::uint64_t number = 0;
  const auto* const end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, number, 16);
  const bool is_whole = digits.size() == k_number_digits && read.ec == std::errc{} && read.ptr == end;
  return is_whole ? std::optional(number) : std::nullopt;
}

}  // namespace agent
