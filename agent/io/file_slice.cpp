#include "agent/io/file_slice.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "agent/io/fd.hpp"
#include "agent/io/file.hpp"

namespace agent::io {

Result<std::string> read_slice(const FileSlice& slice, std::uint64_t limit_bytes, std::string_view thing) {
  if (slice.size > limit_bytes) {
    return fail(Errc::invalid, "read {}: {} bytes; at most {} are read", thing, slice.size, limit_bytes);
  }
  std::string bytes(slice.size, '\0');
  AGENT_CHECK(read_exact_at(slice.fd, std::as_writable_bytes(std::span(bytes)), slice.offset, thing));
  return bytes;
}

Result<FileSlice> slice_of_file(const std::string& path) {
  AGENT_TRY(auto file, open_file(path, O_RDONLY));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) {
    return fail_errno("stat", path, errno);
  }
  auto owner = std::make_shared<Fd>(std::move(file));
  const int fd = owner->get();
  return FileSlice{
      .fd = fd, .offset = 0, .size = static_cast<std::uint64_t>(status.st_size), .pin = std::move(owner)};
}

}  // namespace agent::io
