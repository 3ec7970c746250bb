#include "agent/io/mapping.hpp"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace agent::io {

Result<Mapping> Mapping::of(const FileSlice& slice) {
  Mapping mapping;
  if (slice.size == 0) {
    return mapping;
  }
  struct stat file{};
  if (::fstat(slice.fd, &file) != 0) {
    return fail_errno("stat", "file to map", errno);
  }
  const auto file_bytes = static_cast<std::uint64_t>(file.st_size);
  if (slice.offset > file_bytes || slice.size > file_bytes - slice.offset) {
    return fail(Errc::corrupt, "map a file: it is shorter than its extent");
  }
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = slice.offset / page * page;
  mapping.length_ = static_cast<std::size_t>(slice.offset - begin + slice.size);
  void* const base =
      ::mmap(nullptr, mapping.length_, PROT_READ, MAP_SHARED, slice.fd, static_cast<off_t>(begin));
  if (base == MAP_FAILED) {
    return fail_errno("map", "file", errno);
  }
  mapping.base_ = base;
  mapping.view_ = {static_cast<const char*>(base) + (slice.offset - begin),
                   static_cast<std::size_t>(slice.size)};
  return mapping;
}

Mapping::~Mapping() {
  if (base_ != nullptr) {
    ::munmap(base_, length_);
  }
}

}  // namespace agent::io
