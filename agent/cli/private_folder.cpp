#include "agent/cli/private_folder.hpp"

#include <stdlib.h>

#include <cerrno>
#include <system_error>

#include "agent/io/process.hpp"

namespace agent::cli {

namespace {

constexpr std::size_t k_longest_parent = 60;  // leaves room for "/hearth-XXXXXX/sccache.sock"

}  // namespace

Result<PrivateFolder> PrivateFolder::make() {
  std::error_code error;
  io::fs::path parent = io::environment_value("XDG_RUNTIME_DIR");
  if (parent.empty() || parent.native().size() > k_longest_parent || !io::fs::is_directory(parent, error)) {
    parent = "/tmp";
  }
  auto name = (parent / "hearth-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    return fail_errno("create a folder in", parent.string(), errno);
  }
  return PrivateFolder(io::fs::path(name));
}

PrivateFolder& PrivateFolder::operator=(PrivateFolder&& other) noexcept {
  if (this != &other) {
    remove();
    path_ = std::exchange(other.path_, {});
  }
  return *this;
}

void PrivateFolder::remove() {
  if (!path_.empty()) {
    std::error_code ignored;
    io::fs::remove_all(path_, ignored);
    path_.clear();
  }
}

}  // namespace agent::cli
