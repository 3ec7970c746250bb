#include "agent/io/file_slice.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <vector>

#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/file.hpp"

namespace agent::io {

namespace {

// Shows all of it to `visit`; false where it cannot be read.
template <typename Visit>
bool each_part(const FileSlice& slice, Visit visit) {
  constexpr std::uint64_t k_step = std::uint64_t{256} * 1024;
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min(slice.size, k_step)));
  for (std::uint64_t done = 0; done < slice.size;) {
    const auto part = std::span(buffer).first(static_cast<std::size_t>(std::min(slice.size - done, k_step)));
    if (!read_exact_at(slice.fd, part, slice.offset + done, "slice")) {
      return false;
    }
    visit(part);
    done += part.size();
  }
  return true;
}

}  // namespace

Result<std::string> read_slice(const FileSlice& slice, std::uint64_t limit_bytes, std::string_view thing) {
  if (slice.size > limit_bytes) {
    return fail(Errc::invalid, "read {}: {} bytes; at most {} are read", thing, slice.size, limit_bytes);
  }
  std::string bytes(slice.size, '\0');
  AGENT_CHECK(read_exact_at(slice.fd, std::as_writable_bytes(std::span(bytes)), slice.offset, thing));
  return bytes;
}

bool matches_crc(const FileSlice& slice, std::uint32_t crc32c) {
  std::uint32_t crc = 0;
  return each_part(slice, [&](std::span<const std::byte> part) { crc = io::crc32c(part, crc); }) &&
         crc == crc32c;
}

bool matches_digest(const FileSlice& slice, const Digest& digest) {
  Sha256 hash;
  return each_part(slice, [&](std::span<const std::byte> part) { hash.update(part); }) &&
         hash.finish() == digest;
}

Result<FileSlice> slice_in_memory(std::string_view bytes) {
  auto file = std::make_shared<Fd>(::memfd_create("hearth-object", MFD_CLOEXEC));
  if (!file->valid()) {
    return fail_errno("create", "memory file", errno);
  }
  AGENT_CHECK(write_all_at(file->get(), bytes_of(bytes), 0, "memory file"));
  const int fd = file->get();
  return FileSlice{.fd = fd, .offset = 0, .size = bytes.size(), .pin = std::move(file)};
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
