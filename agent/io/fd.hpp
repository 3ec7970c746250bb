// An owned file descriptor, and whole reads and writes on raw ones. Resource; not thread-safe, but distinct
// positions of one descriptor may be read and written from several threads at once.
// Errors: as fail_errno says; corrupt where fewer bytes exist than were asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "agent/core/result.hpp"

namespace agent::io {

class Fd final {
public:
  Fd() = default;
  explicit Fd(int number) : number_(number) {}
  Fd(Fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const { return number_; }
  bool valid() const { return number_ >= 0; }
  int release() { return std::exchange(number_, -1); }
  void reset();

private:
  int number_ = -1;
};

// Reads exactly `into.size()` bytes at `offset`; `thing` is named in errors.
Result<void> read_exact_at(int fd, std::span<std::byte> into, std::uint64_t offset, std::string_view thing);

// Writes all of `bytes` at `offset`.
Result<void> write_all_at(int fd, std::span<const std::byte> bytes, std::uint64_t offset,
                          std::string_view thing);

// Writes all of `bytes` at the descriptor's position; a pipe or socket must be blocking.
Result<void> write_all(int fd, std::span<const std::byte> bytes, std::string_view thing);

// Copies a range between files inside the kernel (copy_file_range, or read and write where that cannot be
// done).
struct CopyRange {
  int from = -1;
  std::uint64_t from_offset = 0;
  int to = -1;
  std::uint64_t to_offset = 0;
  std::uint64_t size = 0;
};
Result<void> copy_range(const CopyRange& range, std::string_view thing);

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

inline std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace agent::io
