// Little-endian integers in byte strings: appending, and bounded reading that cannot run past the end.
// Values; no thread affinity.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace agent::io {

template <std::unsigned_integral T>
void append_le(std::string& to, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    to.push_back(static_cast<char>(static_cast<std::uint8_t>(value >> (8U * i))));
  }
}

// The integer at the front of `bytes`, which must be long enough.
template <std::unsigned_integral T>
T load_le(std::span<const std::byte> bytes) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(value | static_cast<T>(static_cast<T>(bytes[i]) << (8U * i)));
  }
  return value;
}

// Reads from the front. Once something was missing it stays failed and yields zeros and empty spans, so that
// a parser may read a whole struct and ask `ok` once.
class ByteReader final {
public:
  explicit ByteReader(std::span<const std::byte> bytes) : left_(bytes) {}

  bool ok() const { return ok_; }
  std::span<const std::byte> left() const { return left_; }

  std::span<const std::byte> take(std::size_t count) {
    if (!ok_ || left_.size() < count) {
      ok_ = false;
      left_ = {};
      return {};
    }
    const auto taken = left_.first(count);
    left_ = left_.subspan(count);
    return taken;
  }

  template <std::unsigned_integral T>
  T number() {
    const auto bytes = take(sizeof(T));
    return ok_ ? load_le<T>(bytes) : T{0};
  }

  std::string_view text(std::size_t count) {
    const auto bytes = take(count);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

private:
  std::span<const std::byte> left_;
  bool ok_ = true;
};

}  // namespace agent::io
