#include "agent/io/file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <random>
#include <span>
#include <system_error>
#include <thread>

namespace agent::io {

namespace {

// A name beside `path` that no other writer uses. Process ids are no help: in containers that share a folder
// they are the same, and so are those of an agent that was killed and its successor.
fs::path temporary_beside(const fs::path& path) {
  static const auto nonce = std::random_device{}();
  static std::atomic<unsigned> counter{0};
  return path.parent_path() /
         fmt::format(".{}.{:08x}-{}.tmp", path.filename().string(), nonce, counter.fetch_add(1));
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

Result<void> write_temporary(const fs::path& path, std::string_view content, const WriteOptions& options) {
  AGENT_TRY(auto file, open_file(path, O_WRONLY | O_CREAT | O_EXCL, options.mode));
  if (::fchmod(file.get(), options.mode) != 0) {  // the umask must not take the mode away
    return fail_errno("chmod", path.string(), errno);
  }
  AGENT_CHECK(write_all(file.get(), bytes_of(content), path.string()));
  if (options.durability == Durability::synced && ::fdatasync(file.get()) != 0) {
    return fail_errno("sync", path.string(), errno);
  }
  return {};
}

// Where a shell puts what it pipes in: /dev/stdin, /dev/fd/63.
bool is_a_descriptor(const fs::path& path) {
  const auto name = path.string();
  return name.starts_with("/dev/") || name.starts_with("/proc/self/fd/");
}

// Opening a FIFO waits for whoever writes, and reading a device may never end: in a workspace they are
// refused.
Result<Fd> open_to_read(const fs::path& path) {
  if (is_a_descriptor(path)) {
    return open_file(path, O_RDONLY);
  }
  AGENT_TRY(auto file, open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) {
    return fail_errno("stat", path.string(), errno);
  }
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {  // reading says what a folder is
    return fail(Errc::invalid, "read {}: it is no file but a FIFO, a socket or a device", path.string());
  }
  return file;
}

// False where somebody else holds it for that long.
Result<bool> lock_until(const Fd& file, std::chrono::steady_clock::time_point deadline,
                        const fs::path& path) {
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) {
      continue;
    }
    if (errno != EWOULDBLOCK) {
      return fail_errno("lock", path.string(), errno);
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      return false;
    }
    // flock has no deadline of its own; the holders of these locks keep them for milliseconds.
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

// Whether `path` names the open file.
Result<bool> is_still(const Fd& file, const fs::path& path) {
  struct stat opened{};
  struct stat named{};
  if (::fstat(file.get(), &opened) != 0) {
    return fail_errno("stat", path.string(), errno);
  }
  if (::stat(path.c_str(), &named) != 0) {
    return errno == ENOENT ? Result<bool>(false) : fail_errno("stat", path.string(), errno);
  }
  return opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

}  // namespace

Result<Fd> open_file(const fs::path& path, int flags, unsigned mode) {
  while (true) {
    const int number = ::open(path.c_str(), flags | O_CLOEXEC, mode);
    if (number >= 0) {
      return Fd(number);
    }
    if (errno == ENOENT && (flags & O_CREAT) == 0) {
      return fail(Errc::not_found, "open {}: no such file", path.string());
    }
    if (errno != EINTR) {
      return fail_errno("open", path.string(), errno);
    }
  }
}

Result<Fd> unnamed_file(const fs::path& folder) {
  const int number = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (number >= 0) {
    return Fd(number);
  }
  if (errno != EOPNOTSUPP && errno != EISDIR) {
    return fail_errno("create a file in", folder.string(), errno);
  }
  // overlayfs, which a container's own files are on, has no O_TMPFILE before Linux 6.1.
  const auto name = temporary_beside(folder / "unnamed");
  AGENT_TRY(auto named, open_file(name, O_RDWR | O_CREAT | O_EXCL, 0600));
  ::unlink(name.c_str());
  return named;
}

Result<std::string> read_tail(const fs::path& path, std::uint64_t limit_bytes) {
  AGENT_TRY(const auto file, open_to_read(path));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) {
    return fail_errno("stat", path.string(), errno);
  }
  const auto size = static_cast<std::uint64_t>(std::max<off_t>(status.st_size, 0));
  std::string content(std::min(size, limit_bytes), '\0');
  const auto bytes = std::as_writable_bytes(std::span(content));
  AGENT_CHECK(read_exact_at(file.get(), bytes, size - content.size(), path.string()));
  return content;
}

Result<void> read_file_into(const fs::path& path, std::uint64_t limit_bytes, std::string& content) {
  AGENT_TRY(const auto file, open_to_read(path));
  constexpr std::size_t k_step = std::size_t{64} * 1024;
  content.clear();
  while (true) {
    ssize_t count = 0;
    int error = 0;
    const auto used = content.size();
    // Not resize(): what is about to be overwritten needs no zeros.
    content.resize_and_overwrite(used + k_step, [&](char* data, std::size_t /*size*/) {
      count = ::read(file.get(), data + used, k_step);
      error = errno;
      return used + static_cast<std::size_t>(std::max<ssize_t>(count, 0));
    });
    if (count < 0 && error != EINTR) {
      return fail_errno("read", path.string(), error);
    }
    if (content.size() > limit_bytes) {
      return fail(Errc::invalid, "read {}: larger than {} bytes", path.string(), limit_bytes);
    }
    if (count == 0) {
      return {};
    }
  }
}

Result<std::string> read_file(const fs::path& path, std::uint64_t limit_bytes) {
  std::string content;
  AGENT_CHECK(read_file_into(path, limit_bytes, content));
  return content;
}

Result<void> write_file(const fs::path& path, std::string_view content, WriteOptions options) {
  const auto temporary = temporary_beside(path);
  if (auto written = write_temporary(temporary, content, options); !written) {
    ::unlink(temporary.c_str());
    return written;
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary.c_str());
    return fail_errno("rename to", path.string(), error);
  }
  if (options.durability == Durability::synced) {
    return sync_folder(folder_of(path));
  }
  return {};
}

Result<void> append_file(const fs::path& path, std::string_view content) {
  AGENT_TRY(auto file, open_file(path, O_WRONLY | O_CREAT | O_APPEND));
  return write_all(file.get(), bytes_of(content), path.string());
}

Result<void> make_folders(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) {
    return fail_errno("create folder", path.string(), error.value());
  }
  return {};
}

Result<void> sync_folder(const fs::path& folder) {
  AGENT_TRY(auto file, open_file(folder, O_RDONLY | O_DIRECTORY));
  if (::fsync(file.get()) != 0 && errno != EINVAL) {
    return fail_errno("sync folder", folder.string(), errno);
  }
  return {};
}

Result<std::optional<Fd>> lock_file(const fs::path& path, std::chrono::milliseconds wait) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  while (true) {
    AGENT_TRY(auto file, open_file(path, O_RDWR | O_CREAT));
    AGENT_TRY(const bool locked, lock_until(file, deadline, path));
    if (!locked) {
      return std::optional<Fd>{};
    }
    AGENT_TRY(const bool there, is_still(file, path));
    if (there) {
      return std::optional(std::move(file));
    }
    // Whoever held it has removed the file since we opened it: this lock would keep nobody out.
  }
}

Result<Owner> owner_of(const fs::path& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    return fail_errno("stat", path.string(), errno);
  }
  return Owner{.user = status.st_uid, .group = status.st_gid};
}

Result<void> give_to(const fs::path& path, Owner owner) {
  if (::geteuid() != 0) {
    return {};
  }
  if (::lchown(path.c_str(), owner.user, owner.group) != 0) {
    return fail_errno("chown", path.string(), errno);
  }
  return {};
}

Result<void> give_tree_to(const fs::path& path, Owner owner) {
  AGENT_CHECK(give_to(path, owner));
  std::error_code error;
  if (!fs::is_directory(fs::symlink_status(path, error))) {  // the iterator would follow a link at the top
    return {};
  }
  for (fs::recursive_directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    AGENT_CHECK(give_to(entry->path(), owner));
  }
  if (error) {
    return fail_errno("list", path.string(), error.value());
  }
  return {};
}

Result<std::uint64_t> free_space(const fs::path& path) {
  struct statvfs status{};
  if (::statvfs(path.c_str(), &status) != 0) {
    return fail_errno("statvfs", path.string(), errno);
  }
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

}  // namespace agent::io
