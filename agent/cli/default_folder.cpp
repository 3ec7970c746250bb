#include "agent/cli/default_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ranges>
#include <system_error>
#include <vector>

#include "agent/io/private_folder.hpp"
#include "agent/io/process.hpp"

namespace agent::cli {

namespace {

constexpr mode_t k_usual = 0777;  // the umask takes from it
constexpr mode_t k_private = 0700;

// Empty where neither XDG_CACHE_HOME nor HOME says where.
io::fs::path folder_at_home() {
  if (const auto cache = io::environment_value("XDG_CACHE_HOME"); !cache.empty()) {
    return io::fs::path(cache) / "hearth";
  }
  if (const auto home = io::environment_value("HOME"); !home.empty() && home != "/") {
    return io::fs::path(home) / ".cache" / "hearth";
  }
  return {};
}

// Not yet existing folders, the uppermost last.
std::vector<io::fs::path> missing_of(io::fs::path folder) {
  std::vector<io::fs::path> missing;
  for (std::error_code error; folder.has_relative_path() && !io::fs::exists(folder, error);
       folder = folder.parent_path()) {
    missing.push_back(folder);
  }
  return missing;
}

}  // namespace

io::fs::path default_folder() {
  const auto at_home = folder_at_home();
  return at_home.empty() ? io::fs::path(fmt::format("/tmp/hearth-{}", ::geteuid())) : at_home;
}

std::string default_store() {
  return (default_folder() / "store").string();
}

std::string default_backend() {
  return "disk://" + (default_folder() / "backend").string();
}

Result<void> create_default_folder() {
  const auto mode = folder_at_home().empty() ? k_private : k_usual;
  for (const auto& folder : missing_of(io::fs::absolute(default_folder())) | std::views::reverse) {
    if (::mkdir(folder.c_str(), mode) != 0) {
      if (errno == EEXIST) {  // somebody else was faster
        continue;
      }
      return fail_errno("create folder", folder.string(), errno);
    }
    AGENT_TRY(const auto owner, io::owner_of(folder.parent_path()));
    if (mode != k_private) {
      AGENT_CHECK(io::give_to(folder, owner));
    }
  }
  return check_default_folder();
}

Result<void> check_default_folder() {
  if (!folder_at_home().empty()) {
    return {};
  }
  auto own = io::check_private(default_folder());
  if (!own && own.error().code == Errc::denied) {
    return fail(Errc::denied,
                "{}, and others may have put things there: remove it, set HOME or XDG_CACHE_HOME, or use "
                "--store and --backend",
                own.error().message);
  }
  return !own && own.error().code == Errc::not_found ? Result<void>{} : own;
}

}  // namespace agent::cli
