// A readable extent of an open file: what the store and the storages hand out and the HTTP server sends with
// sendfile(2), without the bytes passing through this process's memory. Value type; copies share the pin.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "agent/core/digest.hpp"
#include "agent/core/result.hpp"

namespace agent::io {

struct FileSlice {
  int fd = -1;  // stays open, and the extent stays unchanged, while a copy of `pin` lives
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::shared_ptr<const void> pin;
};

// The bytes of a slice in memory. Errors: invalid where it is larger than `limit_bytes`; else as
// read_exact_at.
Result<std::string> read_slice(const FileSlice& slice, std::uint64_t limit_bytes, std::string_view thing);

// Read all of it; false where the bytes do not give this checksum or cannot be read.
bool matches_crc(const FileSlice& slice, std::uint32_t crc32c);
bool matches_digest(const FileSlice& slice, const Digest& digest);

// A slice over a copy of `bytes` in memory that looks like a file (memfd). Errors: io.
Result<FileSlice> slice_in_memory(std::string_view bytes);

// A slice over a whole open file, which it owns.
Result<FileSlice> slice_of_file(const std::string& path);

}  // namespace agent::io
