#include "agent/io/fd.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace agent::io {

void Fd::reset() {
  if (number_ >= 0) {
    ::close(number_);
    number_ = -1;
  }
}

Result<void> read_exact_at(int fd, std::span<std::byte> into, std::uint64_t offset, std::string_view thing) {
  while (!into.empty()) {
    const auto count = ::pread(fd, into.data(), into.size(), static_cast<off_t>(offset));
    if (count < 0) {
      if (errno == EINTR) {
        continue;
      }
      return fail_errno("read", thing, errno);
    }
    if (count == 0) {
      return fail(Errc::corrupt, "read {}: ends {} bytes before it should", thing, into.size());
    }
    into = into.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

Result<void> write_all_at(int fd, std::span<const std::byte> bytes, std::uint64_t offset,
                          std::string_view thing) {
  while (!bytes.empty()) {
    const auto count = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0) {
      if (errno == EINTR) {
        continue;
      }
      return fail_errno("write", thing, errno);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

Result<void> write_all(int fd, std::span<const std::byte> bytes, std::string_view thing) {
  while (!bytes.empty()) {
    const auto count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0) {
      if (errno == EINTR) {
        continue;
      }
      return fail_errno("write", thing, errno);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

namespace {

Result<void> copy_through_memory(CopyRange range, std::string_view thing) {
  constexpr std::size_t k_chunk = std::size_t{64} * 1024;
  std::array<std::byte, k_chunk> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled before use
  while (range.size > 0) {
    const auto part =
        std::span(buffer).first(static_cast<std::size_t>(std::min<std::uint64_t>(range.size, k_chunk)));
    AGENT_CHECK(read_exact_at(range.from, part, range.from_offset, thing));
    AGENT_CHECK(write_all_at(range.to, part, range.to_offset, thing));
    range.from_offset += part.size();
    range.to_offset += part.size();
    range.size -= part.size();
  }
  return {};
}

}  // namespace

Result<void> copy_range(const CopyRange& range, std::string_view thing) {
  auto left = range;
  while (left.size > 0) {
    auto from = static_cast<off64_t>(left.from_offset);
    auto to = static_cast<off64_t>(left.to_offset);
    const auto count = ::copy_file_range(left.from, &from, left.to, &to, left.size, 0);
    if (count < 0) {
      if (errno == EINTR) {
        continue;
      }
      if (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP) {
        return copy_through_memory(left, thing);
      }
      return fail_errno("copy", thing, errno);
    }
    if (count == 0) {
      return fail(Errc::corrupt, "copy {}: ends {} bytes before it should", thing, left.size);
    }
    const auto moved = static_cast<std::uint64_t>(count);
    left = {.from = left.from,
            .from_offset = left.from_offset + moved,
            .to = left.to,
            .to_offset = left.to_offset + moved,
            .size = left.size - moved};
  }
  return {};
}

}  // namespace agent::io
