#include "agent/backends/disk_directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <span>
#include <system_error>

#include "agent/backends/builtin.hpp"
#include "agent/backends/object_name.hpp"
#include "agent/core/log.hpp"
#include "agent/io/checksum.hpp"

namespace agent::backends {

namespace {

// Says where and what to do, in front of and after what the operating system said.
Error explained(const DiskPlace& place, std::string_view operation, Error error) {
  std::string_view way_out;
  if (error.code == Errc::full) {
    way_out = "; free space there, or choose another folder";
  } else if (error.code == Errc::denied) {
    way_out = "; let this user write there, or use the mode read-only";
  }
  error.message =
      fmt::format("{} in disk://{}: {}{}", operation, place.folder.string(), error.message, way_out);
  return error;
}

struct OpenObject {
  io::Fd file;
  struct stat status{};
};

// Empty where no object has this name: nothing, a folder, or anything else that is no plain file.
Result<std::optional<OpenObject>> open_object(const io::fs::path& path) {
  OpenObject object;
  while (true) {
    const int number = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (number >= 0) {
      object.file = io::Fd(number);
      break;
    }
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) {
      return std::optional<OpenObject>{};
    }
    if (errno != EINTR) {
      return fail_errno("open", path.string(), errno);
    }
  }
  if (::fstat(object.file.get(), &object.status) != 0) {
    return fail_errno("stat", path.string(), errno);
  }
  if (!S_ISREG(object.status.st_mode)) {
    return std::optional<OpenObject>{};
  }
  return std::optional(std::move(object));
}

std::uint64_t size_of(const OpenObject& object) {
  return static_cast<std::uint64_t>(object.status.st_size);
}

std::string version_of(std::string_view content) {
  return io::sha256(io::bytes_of(content)).hex();
}

Result<Put> put(const DiskPlace& place, const io::fs::path& path, const Source& source) {
  AGENT_TRY(const auto taken, open_object(path));
  if (taken) {
    AGENT_CHECK(io::sync_folder(path.parent_path()));
    return Put::existed;
  }
  AGENT_TRY(auto pending, PendingFile::create(place));
  AGENT_CHECK(pending.write(source));
  AGENT_CHECK(make_folders_for(place, path));
  return std::move(pending).publish_new(path);
}

Result<std::optional<Versioned>> read_versioned(const io::fs::path& path) {
  AGENT_TRY(const auto object, open_object(path));
  if (!object) {
    return std::optional<Versioned>{};
  }
  if (size_of(*object) > k_small_object_bytes) {
    return fail(Errc::corrupt, "read {}: {} bytes; at most {} were ever written", path.string(),
                size_of(*object), k_small_object_bytes);
  }
  std::string content(size_of(*object), '\0');
  AGENT_CHECK(
      io::read_exact_at(object->file.get(), std::as_writable_bytes(std::span(content)), 0, path.string()));
  auto version = version_of(content);
  return std::optional(Versioned{.content = std::move(content), .version = std::move(version)});
}

Result<void> expect_version(const io::fs::path& path, const std::optional<std::string>& expected) {
  AGENT_TRY(const auto current, read_versioned(path));
  if (current.has_value() != expected.has_value() || (current && current->version != *expected)) {
    return fail(Errc::conflict, "swap {}: somebody else moved it", path.filename().string());
  }
  return {};
}

Result<std::string> swap(const DiskPlace& place, const io::fs::path& path,
                         const std::optional<std::string>& expected, std::string_view content) {
  AGENT_CHECK(expect_version(path, expected));  // spares the writing when it is already lost
  AGENT_TRY(auto pending, PendingFile::create(place));
  AGENT_CHECK(pending.write(content));
  AGENT_CHECK(make_folders_for(place, path));
  AGENT_TRY(const auto lock, io::lock_file(place.lock_path(), place.lock_wait));
  if (!lock) {
    return fail(Errc::transient, "another process has held {} for {} ms", place.lock_path().string(),
                place.lock_wait.count());
  }
  AGENT_CHECK(expect_version(path, expected));
  AGENT_CHECK(std::move(pending).publish_over(path));
  return version_of(content);
}

ObjectInfo info_of(std::string name, const struct stat& status) {
  return {.name = std::move(name),
          .size = static_cast<std::uint64_t>(status.st_size),
          .modified = std::chrono::system_clock::from_time_t(status.st_mtime)};
}

// Objects come and go while the folder is read: what vanishes is left out.
Result<std::vector<ObjectInfo>> list_below(const io::fs::path& root, std::string_view prefix) {
  const auto slash = prefix.rfind('/');
  const auto folder = slash == std::string_view::npos ? root : root / prefix.substr(0, slash);
  std::vector<ObjectInfo> objects;
  std::error_code error;
  io::fs::recursive_directory_iterator entry(folder, error);
  for (const io::fs::recursive_directory_iterator end; !error && entry != end; entry.increment(error)) {
    auto name = entry->path().lexically_relative(root).string();
    struct stat status{};
    if (!check_object_name(name)) {
      entry.disable_recursion_pending();
    } else if (name.starts_with(prefix) && ::lstat(entry->path().c_str(), &status) == 0 &&
               S_ISREG(status.st_mode)) {
      objects.push_back(info_of(std::move(name), status));
    }
  }
  if (error && error != std::errc::no_such_file_or_directory && error != std::errc::not_a_directory) {
    return fail_errno("list", folder.string(), error.value());
  }
  return objects;
}

}  // namespace

Result<std::unique_ptr<DiskDirectory>> DiskDirectory::open(const io::fs::path& folder, const Clock& clock,
                                                           Absent absent) {
  auto normal = folder.lexically_normal();
  if (!normal.has_filename()) {
    normal = normal.parent_path();  // "/cache/" is "/cache"
  }
  auto place = absent == Absent::created ? open_place(normal) : existing_place(normal);
  if (!place && absent == Absent::empty && place.error().code == Errc::not_found) {
    return std::unique_ptr<DiskDirectory>(new DiskDirectory({.folder = normal, .owner = {}}));
  }
  if (!place) {
    return with_context(fmt::format("open disk://{}", normal.string()), std::move(place).error());
  }
  if (::access(normal.c_str(), R_OK | X_OK) != 0) {
    return std::unexpected(explained(*place, "open", fail_errno("read", normal.string(), errno).error()));
  }
  if (absent == Absent::created) {
    if (const auto prepared = prepare_place(*place); !prepared) {
      log::info("backend: {} can only be read: {}", normal.string(), prepared.error().message);
    }
    clean_place(*place, clock);
  }
  return std::unique_ptr<DiskDirectory>(new DiskDirectory(*std::move(place)));
}

std::string DiskDirectory::describe() const {
  return "disk://" + place_.folder.string();
}

Result<Put> DiskDirectory::put_if_absent(std::string_view name, const Source& source) {
  AGENT_CHECK(check_object_name(name));
  auto outcome = put(place_, place_.folder / name, source);
  if (!outcome) {
    return std::unexpected(explained(place_, fmt::format("write {}", name), std::move(outcome).error()));
  }
  return outcome;
}

Result<std::optional<std::string>> DiskDirectory::get(std::string_view name, Range range) {
  AGENT_CHECK(check_object_name(name));
  AGENT_TRY(const auto object, open_object(place_.folder / name));
  if (!object) {
    return std::optional<std::string>{};
  }
  const auto size = size_of(*object);
  if (range.offset > size || range.size > size - range.offset) {
    return fail(Errc::corrupt, "read {} in {}: bytes {}+{} are beyond its end at {}", name, describe(),
                range.offset, range.size, size);
  }
  std::string bytes(range.size, '\0');
  AGENT_CHECK(
      io::read_exact_at(object->file.get(), std::as_writable_bytes(std::span(bytes)), range.offset, name));
  return std::optional(std::move(bytes));
}

Result<std::optional<io::FileSlice>> DiskDirectory::open_in_place(std::string_view name) {
  AGENT_CHECK(check_object_name(name));
  AGENT_TRY(auto object, open_object(place_.folder / name));
  if (!object) {
    return std::optional<io::FileSlice>{};
  }
  auto owner = std::make_shared<io::Fd>(std::move(object->file));
  const int fd = owner->get();
  return io::FileSlice{.fd = fd, .offset = 0, .size = size_of(*object), .pin = std::move(owner)};
}

Result<std::optional<Versioned>> DiskDirectory::read(std::string_view name) {
  AGENT_CHECK(check_object_name(name));
  return read_versioned(place_.folder / name);
}

Result<std::string> DiskDirectory::compare_and_swap(std::string_view name,
                                                    const std::optional<std::string>& expected,
                                                    std::string_view content) {
  AGENT_CHECK(check_swap(name, content));
  auto swapped = swap(place_, place_.folder / name, expected, content);
  if (!swapped && swapped.error().code != Errc::conflict) {
    return std::unexpected(explained(place_, fmt::format("swap {}", name), std::move(swapped).error()));
  }
  return swapped;
}

Result<void> DiskDirectory::remove(std::string_view name) {
  AGENT_CHECK(check_object_name(name));
  const auto path = place_.folder / name;
  AGENT_TRY(const auto object, open_object(path));
  if (!object || ::unlink(path.c_str()) == 0 || errno == ENOENT) {
    return {};
  }
  const auto failure = fail_errno("remove", path.string(), errno);
  return std::unexpected(explained(place_, fmt::format("remove {}", name), failure.error()));
}

Result<std::vector<ObjectInfo>> DiskDirectory::list(std::string_view prefix) {
  AGENT_CHECK(check_object_prefix(prefix));
  return list_below(place_.folder, prefix);
}

Result<std::unique_ptr<ObjectStorage>> make_disk(const StorageUrl& url, const StorageServices& services) {
  if (!url.rest.starts_with('/')) {
    return fail(Errc::invalid, "backend '{}': an absolute path is needed, such as disk:///var/cache/ci",
                url.text);
  }
  return DiskDirectory::open(url.rest, services.clock, services.absent);
}

}  // namespace agent::backends
