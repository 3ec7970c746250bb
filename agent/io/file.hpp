// Whole files: read with a limit, replaced atomically, locked. Free functions; safe from any thread.
// Errors: as fail_errno says; not_found where a file to read does not exist; invalid where it is too large.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "agent/core/result.hpp"
#include "agent/io/fd.hpp"

namespace agent::io {

namespace fs = std::filesystem;

// open(2) with O_CLOEXEC; `flags` as there.
Result<Fd> open_file(const fs::path& path, int flags, unsigned mode = 0644);

// A file in `folder` without a name, for reading and writing: it is gone once it is closed.
Result<Fd> unnamed_file(const fs::path& folder);

// The whole file, which may not be larger than `limit_bytes`. FIFOs, sockets and devices are invalid, but for
// what a shell pipes in (/dev/stdin, /dev/fd/63): somebody's workspace must not hold a reader up.
Result<std::string> read_file(const fs::path& path, std::uint64_t limit_bytes);

// The same into memory that can be used again, for many files one after the other; what it holds after an
// error says nothing.
Result<void> read_file_into(const fs::path& path, std::uint64_t limit_bytes, std::string& content);

// The end of a file: all of it, or its last `limit_bytes`.
Result<std::string> read_tail(const fs::path& path, std::uint64_t limit_bytes);

enum class Durability : std::uint8_t { cached, synced };  // synced: fdatasync, then the folder

struct WriteOptions {
  unsigned mode = 0644;
  Durability durability = Durability::cached;
};

// Replaces the file by writing a temporary one beside it and renaming.
Result<void> write_file(const fs::path& path, std::string_view content, WriteOptions options = {});

// Appends in one write.
Result<void> append_file(const fs::path& path, std::string_view content);

Result<void> make_folders(const fs::path& path);

// Makes the names of a folder durable.
Result<void> sync_folder(const fs::path& folder);

// An exclusive flock(2) on a file that is created when missing; held until destruction. It belongs to the
// open file: it goes when this process dies. Empty: somebody else holds it (after waiting up to `wait`).
Result<std::optional<Fd>> lock_file(const fs::path& path, std::chrono::milliseconds wait);

// The owner of a file or folder, for giving to it what was made inside.
struct Owner {
  unsigned user = 0;
  unsigned group = 0;
  bool operator==(const Owner&) const = default;
};
Result<Owner> owner_of(const fs::path& path);

// chown, not following links. Does nothing when not root.
Result<void> give_to(const fs::path& path, Owner owner);

// give_to for a folder and everything in it.
Result<void> give_tree_to(const fs::path& path, Owner owner);

// Free bytes for an unprivileged user on the file system of `path`.
Result<std::uint64_t> free_space(const fs::path& path);

}  // namespace agent::io
