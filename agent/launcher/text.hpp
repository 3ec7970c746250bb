// Zero-terminated text, memory and number formatting for a program without a C library or heap.
// Not thread-safe; the launcher has one thread. Nothing throws; running out of memory is an empty answer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "agent/launcher/c_string.hpp"

namespace agent::launcher {

// Memory that is never given back: first a buffer of the owner's, then pages from the kernel.
class Arena final {
public:
  explicit Arena(std::span<char> first) : free_(first) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  std::span<char> take(std::size_t size);  // aligned for any type; empty if the kernel has no memory

  template <typename T>
  std::span<T> take_array(std::size_t count) {
    const std::span<char> bytes = take(count * sizeof(T));
    return bytes.empty() ? std::span<T>{} : std::span<T>(reinterpret_cast<T*>(bytes.data()), count);
  }

  // The parts joined; empty if memory is out.
  CString join(std::span<const std::string_view> parts);

private:
  std::span<char> free_;
};

// One line of output, cut when it is full.
class Line final {
public:
  Line& add(std::string_view text);
  Line& add(std::int64_t number);
  std::string_view view() const { return {buffer_.data(), size_}; }
  CString c_string();  // cut by one more byte

private:
  std::array<char, 1024> buffer_{};
  std::size_t size_ = 0;
};

// The value of `name` in a zero-terminated environment; null if it is not set.
const char* find_variable(char* const* environment, std::string_view name);

// "NAME" of "NAME=VALUE". Like Rust's std::env, an equals sign in first place belongs to the name.
std::string_view variable_name(std::string_view entry);

std::span<char* const> terminated(char* const* list);

}  // namespace agent::launcher
