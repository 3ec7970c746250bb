#include "agent/launcher/search.hpp"

#include <algorithm>
#include <array>

#include "agent/launcher/sys.hpp"

namespace agent::launcher {
namespace {

bool same_file(const struct stat& one, const struct stat& other) {
  return one.st_ino == other.st_ino && one.st_dev == other.st_dev;
}

constexpr unsigned k_anyone_executes = S_IXUSR | S_IXGRP | S_IXOTH;

bool is_program(CString path, const Search& search) {
  struct stat found{};
  if (sys::status(path.c_str(), found) < 0 || !S_ISREG(found.st_mode)) {
    return false;
  }
  const unsigned bits = found.st_mode & k_anyone_executes;
  if (bits != k_anyone_executes && (bits == 0 || !sys::executable(path.c_str()))) {
    return false;
  }
  return std::ranges::none_of(search.ourselves, [&found](const char* self) {
    struct stat own{};
    return sys::status(self, own) == 0 && same_file(own, found);
  });
}

// More than one component, as Rust's Path::components() counts: "./gcc" and "/gcc" are paths, "gcc/" is a
// name.
bool has_separator(std::string_view name) {
  const std::size_t slash = name.find('/');
  return slash != std::string_view::npos &&
         (slash == 0 || name.find_first_not_of('/', slash) != std::string_view::npos);
}

CString joined(std::string_view folder, std::string_view name, Arena& arena) {
  const std::string_view slash = folder.empty() || folder.ends_with('/') ? "" : "/";
  return arena.join(std::array{folder, slash, name});
}

CString in_folder(std::string_view folder, std::string_view name, const Search& search, Arena& arena) {
  const bool at_home = folder == "~" || folder.starts_with("~/");
  if (!at_home) {
    return joined(folder, name, arena);
  }
  const std::string_view home = search.home == nullptr ? "" : search.home;
  const std::string_view rest(folder.data() + 1, folder.size() - 1);
  return joined(arena.join(std::array{home, rest}), name, arena);
}

}  // namespace

CString find_program(std::string_view name, const Search& search, Arena& arena) {
  if (name.empty()) {
    return {};
  }
  if (has_separator(name)) {
    const CString path = joined(name.starts_with('/') ? "" : search.working_directory, name, arena);
    return is_program(path, search) ? path : CString{};
  }
  if (search.path_variable == nullptr) {
    return {};
  }
  std::string_view rest(search.path_variable);
  while (true) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    const CString path = in_folder({rest.data(), colon}, name, search, arena);
    if (is_program(path, search)) {
      return path;
    }
    if (colon == rest.size()) {
      return {};
    }
    rest.remove_prefix(colon + 1);
  }
}

}  // namespace agent::launcher
