#include "agent/backends/disk_place.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <span>
#include <system_error>

#include "agent/io/random.hpp"

namespace agent::backends {

namespace {

constexpr unsigned k_permissions = 0777;

// The umask must not take the mode away, nor root keep what belongs to the folder's owner.
Result<void> adopt(const DiskPlace& place, const io::fs::path& path, unsigned mode) {
  if (::chmod(path.c_str(), mode) != 0) {
    return fail_errno("chmod", path.string(), errno);
  }
  return io::give_to(path, place.owner);
}

Result<void> make_folder(const DiskPlace& place, const io::fs::path& path) {
  if (::mkdir(path.c_str(), place.folder_mode & k_permissions) != 0) {
    return fail_errno("create folder", path.string(), errno);
  }
  return adopt(place, path, place.folder_mode);
}

int rename_exclusively(const io::fs::path& from, const io::fs::path& to) {
  return ::syscall(SYS_renameat2, AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0
             ? 0
             : errno;
}

// Network file systems have no RENAME_NOREPLACE.
bool is_unsupported(int error) {
  return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP;
}

// link(2) refuses a taken name too.
int name_exclusively(const io::fs::path& from, const io::fs::path& to) {
  const int error = rename_exclusively(from, to);
  if (!is_unsupported(error)) {
    return error;
  }
  return ::link(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

// Folders appear with their final owner and mode, so that no other user meets one he may not enter yet. A
// plain rename would do that too, but it replaces an empty folder somebody is just about to write into.
Result<void> install_folder(const DiskPlace& place, const io::fs::path& made, const io::fs::path& path) {
  const int error = rename_exclusively(made, path);
  if (error != 0) {
    std::error_code ignored;
    io::fs::remove_all(made, ignored);
  }
  if (is_unsupported(error)) {
    if (::mkdir(path.c_str(), place.folder_mode & k_permissions) == 0) {
      AGENT_CHECK(adopt(place, path, place.folder_mode));
    } else if (errno != EEXIST) {
      return fail_errno("create folder", path.string(), errno);
    }
  } else if (error != 0 && error != EEXIST) {
    return fail_errno("create folder", path.string(), error);
  }
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0 && !S_ISDIR(status.st_mode)) {
    return fail(Errc::invalid, "create folder {}: an object has this name", path.string());
  }
  return io::sync_folder(path.parent_path());
}

Result<void> make_own_folder(const DiskPlace& place) {
  const DiskPlace draft{.folder = place.folder / fmt::format(".hearth~{}", io::random_mark()),
                        .owner = place.owner,
                        .file_mode = place.file_mode,
                        .folder_mode = place.folder_mode};
  AGENT_CHECK(make_folder(place, draft.folder));
  AGENT_CHECK(make_folder(place, draft.folder / "tmp"));
  const auto lock = draft.folder / "lock";
  AGENT_CHECK(io::open_file(lock, O_RDWR | O_CREAT | O_EXCL, place.file_mode));
  AGENT_CHECK(adopt(place, lock, place.file_mode));
  // Never empty, so a plain rename replaces nothing.
  if (::rename(draft.folder.c_str(), place.own_folder().c_str()) != 0) {
    const int error = errno;
    std::error_code ignored;
    io::fs::remove_all(draft.folder, ignored);
    if (error != ENOTEMPTY && error != EEXIST) {
      return fail_errno("create folder", place.own_folder().string(), error);
    }
  }
  return io::sync_folder(place.folder);
}

bool older_than_an_hour(const io::fs::path& path, const Clock& clock) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 &&
         std::chrono::system_clock::from_time_t(status.st_mtime) + std::chrono::hours(1) < clock.wall();
}

void clean_folder(const io::fs::path& folder, std::string_view prefix, const Clock& clock) {
  std::error_code error;
  for (io::fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const auto name = entry->path().filename().string();
    if (name.starts_with(prefix) && name != ".hearth~" && older_than_an_hour(entry->path(), clock)) {
      std::error_code ignored;
      io::fs::remove_all(entry->path(), ignored);
    }
  }
}

}  // namespace

Result<DiskPlace> open_place(const io::fs::path& folder) {
  auto place = existing_place(folder);
  if (place || place.error().code != Errc::not_found) {
    return place;
  }
  if (::mkdir(folder.c_str(), k_permissions) != 0 && errno != EEXIST) {
    if (errno == ENOENT) {
      return fail(Errc::not_found, "{} and its parent do not exist: create the folder, or correct the path",
                  folder.string());
    }
    return fail_errno("create folder", folder.string(), errno);
  }
  AGENT_TRY(const auto owner, io::owner_of(folder.parent_path()));
  AGENT_CHECK(io::give_to(folder, owner));
  AGENT_CHECK(io::sync_folder(folder.parent_path()));
  return existing_place(folder);
}

Result<DiskPlace> existing_place(const io::fs::path& folder) {
  struct stat status{};
  if (::stat(folder.c_str(), &status) != 0) {
    if (errno == ENOENT) {
      return fail(Errc::not_found, "{} does not exist: nothing was published there; correct the path",
                  folder.string());
    }
    return fail_errno("open", folder.string(), errno);
  }
  if (!S_ISDIR(status.st_mode)) {
    return fail(Errc::invalid, "{} is not a folder: name one, or remove the file", folder.string());
  }
  // Files are as readable and writable as the folder; a sticky bit would keep others from moving pointers.
  return DiskPlace{.folder = folder,
                   .owner = {.user = status.st_uid, .group = status.st_gid},
                   .file_mode = (status.st_mode & 0666U) | 0600U,
                   .folder_mode = (status.st_mode & 02777U) | 0700U};
}

Result<void> prepare_place(const DiskPlace& place) {
  if (::access(place.temporary_folder().c_str(), F_OK) == 0) {
    return {};
  }
  if (::access(place.folder.c_str(), F_OK) != 0 && errno == ENOENT) {
    AGENT_CHECK(open_place(place.folder));  // somebody deleted the whole cache; begin anew
  }
  return make_own_folder(place);
}

void clean_place(const DiskPlace& place, const Clock& clock) {
  clean_folder(place.temporary_folder(), "", clock);
  clean_folder(place.folder, ".hearth~", clock);
}

Result<void> make_folders_for(const DiskPlace& place, const io::fs::path& path) {
  const auto folder = path.parent_path();
  struct stat status{};
  if (::stat(folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
    return {};
  }
  auto step = place.folder;
  for (const auto& part : folder.lexically_relative(place.folder)) {
    step /= part;
    if (::stat(step.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
      continue;
    }
    const auto draft = place.temporary_folder() / io::random_mark();
    AGENT_CHECK(make_folder(place, draft));
    AGENT_CHECK(install_folder(place, draft, step));
  }
  return {};
}

Result<PendingFile> PendingFile::create(const DiskPlace& place) {
  AGENT_CHECK(prepare_place(place));
  const auto path = place.temporary_folder() / io::random_mark();
  AGENT_TRY(auto file, io::open_file(path, O_RDWR | O_CREAT | O_EXCL, place.file_mode));
  PendingFile pending(path, std::move(file));
  AGENT_CHECK(adopt(place, path, place.file_mode));
  return pending;
}

PendingFile::PendingFile(PendingFile&& other) noexcept
    : path_(std::exchange(other.path_, {})), file_(std::move(other.file_)) {}

PendingFile::~PendingFile() {
  if (!path_.empty()) {
    ::unlink(path_.c_str());
  }
}

Result<void> PendingFile::write(const Source& source) {
  if (const auto* const text = std::get_if<std::string_view>(&source)) {
    AGENT_CHECK(io::write_all_at(file_.get(), io::bytes_of(*text), 0, path_.string()));
  } else {
    const auto& slice = std::get<io::FileSlice>(source);
    AGENT_CHECK(io::copy_range({.from = slice.fd,
                                .from_offset = slice.offset,
                                .to = file_.get(),
                                .to_offset = 0,
                                .size = slice.size},
                               path_.string()));
  }
  if (::fdatasync(file_.get()) != 0) {
    return fail_errno("sync", path_.string(), errno);
  }
  file_.reset();
  return {};
}

Result<Put> PendingFile::publish_new(const io::fs::path& path) && {
  const int error = name_exclusively(path_, path);
  if (error != 0 && error != EEXIST) {
    return fail_errno("create", path.string(), error);
  }
  // The one who was first may not have got this far yet, and the caller will rely on the name either way.
  AGENT_CHECK(io::sync_folder(path.parent_path()));
  return error == 0 ? Put::created : Put::existed;
}

Result<void> PendingFile::publish_over(const io::fs::path& path) && {
  if (::rename(path_.c_str(), path.c_str()) != 0) {
    return fail_errno("replace", path.string(), errno);
  }
  path_.clear();
  return io::sync_folder(path.parent_path());
}

}  // namespace agent::backends
