// Fills a tool's private cache folder from entries kept elsewhere. For sccache that must end before its
// server starts: the server reads its folder once, at its first use, and never sees later files. Files are
// written, never linked: tools remove what they evict and touch what they use. Used by one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/folders/cache_folder.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/file.hpp"
#include "agent/io/file_slice.hpp"

namespace agent::folders {

class Hydrator final {
public:
  // Removes what was there and makes the folder anew. Errors: io, full, denied.
  static Result<Hydrator> open(const CacheFolder& rules, const io::fs::path& folder);

  // One entry under its path below the folder. Errors: invalid (no entry's path), corrupt (other bytes than
  // the checksum says; nothing is left of it), conflict (it is there already), full, io.
  Result<void> add(std::string_view path, const io::FileSlice& slice, std::uint32_t crc32c);
  Result<void> add(std::string_view path, std::string_view bytes);

  std::uint64_t files() const { return files_; }
  std::uint64_t bytes() const { return bytes_; }

private:
  Hydrator(const CacheFolder& rules, io::Fd folder, io::fs::path path);
  Result<io::Fd> create(const std::string& path);
  Result<void> make_parent(std::string_view path);
  Result<void> write(std::string_view path, const io::FileSlice& slice, std::uint32_t crc32c);

  const CacheFolder& rules_;
  io::Fd folder_;
  io::fs::path path_;  // for messages
  std::unordered_set<std::string> made_;
  std::vector<std::byte> buffer_;
  std::uint64_t files_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace agent::folders
