#include "agent/io/private_folder.hpp"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string_view>
#include <system_error>

#include "agent/io/process.hpp"

namespace agent::io {

namespace {

constexpr std::size_t k_longest_parent = 60;  // leaves room for "/hearth-XXXXXX/sccache.sock"
constexpr std::string_view k_prefix = "hearth-";
constexpr std::string_view k_random = "XXXXXX";
constexpr std::string_view k_lock = "in-use";
constexpr std::chrono::hours k_abandoned_after(24);

// Made by make(), and by this user: nobody else can have put anything into it.
bool is_own(const fs::path& path) {
  struct stat status{};
  const auto name = path.filename().string();
  return name.starts_with(k_prefix) && name.size() == k_prefix.size() + k_random.size() &&
         ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == ::geteuid() &&
         ::lstat((path / k_lock).c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

fs::file_time_type last_write_in(const fs::path& folder) {
  std::error_code ignored;
  auto last = fs::last_write_time(folder, ignored);
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    std::error_code gone;
    if (const auto time = entry.last_write_time(gone); !gone) {
      last = std::max(last, time);
    }
  }
  return last;
}

}  // namespace

void remove_abandoned_folders(const fs::path& parent, fs::file_time_type before) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    const auto& path = entry.path();
    if (!is_own(path) || last_write_in(path) >= before) {
      continue;
    }
    if (const auto unused = lock_file(path / k_lock, {}); unused && *unused) {
      std::error_code kept;
      fs::remove_all(path, kept);
    }
  }
}

Result<void> check_private(const fs::path& folder) {
  constexpr mode_t k_of_others = 0077;
  struct stat status{};
  if (::lstat(folder.c_str(), &status) != 0) {
    return errno == ENOENT ? fail(Errc::not_found, "{} does not exist", folder.string())
                           : fail_errno("stat", folder.string(), errno);
  }
  if (!S_ISDIR(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & k_of_others) != 0) {
    return fail(Errc::denied, "{} is no folder of this user alone (mode 0700)", folder.string());
  }
  return {};
}

Result<PrivateFolder> PrivateFolder::make() {
  std::error_code error;
  fs::path parent = environment_value("XDG_RUNTIME_DIR");
  if (parent.empty() || parent.native().size() > k_longest_parent || !fs::is_directory(parent, error)) {
    parent = "/tmp";
  }
  remove_abandoned_folders(parent, fs::file_time_type::clock::now() - k_abandoned_after);
  auto name = (parent / fmt::format("{}{}", k_prefix, k_random)).string();
  if (::mkdtemp(name.data()) == nullptr) {
    return fail_errno("create a folder in", parent.string(), errno);
  }
  PrivateFolder made(name, {});
  AGENT_TRY(auto used, lock_file(made.path_ / k_lock, {}));
  if (used) {  // nobody else looks into a new folder
    made.used_ = *std::move(used);
  }
  return made;
}

PrivateFolder& PrivateFolder::operator=(PrivateFolder&& other) noexcept {
  if (this != &other) {
    remove();
    path_ = std::exchange(other.path_, {});
    used_ = std::move(other.used_);
  }
  return *this;
}

void PrivateFolder::remove() {
  if (!path_.empty()) {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
    path_.clear();
  }
  used_.reset();
}

}  // namespace agent::io
