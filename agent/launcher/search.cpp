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

bool is_program(const char* path, const Search& search) {
  struct stat found{};
  if (sys::status(path, found) < 0 || !S_ISREG(found.st_mode)) {
    return false;
  }
  const unsigned bits = found.st_mode & k_anyone_executes;
  if (bits != k_anyone_executes && (bits == 0 || !sys::executable(path))) {
    return false;
  }
  return std::none_of(search.ourselves.begin(), search.ourselves.end(), [&found](const char* self) {
    struct stat own{};
    return sys::status(self, own) == 0 && same_file(own, found);
  });
}

// More than one component, as Rust's Path::components() counts: "./gcc" and "/gcc" are paths, "gcc/" is a
// name.
bool has_separator(std::string_view name) {
  const std::size_t slash = name.find('/');
  return slash != std::string_view::npos && (slash == 0 || name.find_first_not_of('/', slash) != name.npos);
}

std::string_view joined(std::string_view folder, std::string_view name, Arena& arena) {
  const std::string_view slash = folder.empty() || folder.ends_with('/') ? "" : "/";
  const char* path = arena.join(std::array{folder, slash, name});
  return path == nullptr ? std::string_view{} : std::string_view(path);
}

std::string_view in_folder(std::string_view folder, std::string_view name, const Search& search,
                           Arena& arena) {
  const bool at_home = folder == "~" || folder.starts_with("~/");
  if (!at_home) {
    return joined(folder, name, arena);
  }
  const std::string_view home = search.home == nullptr ? "" : search.home;
  const std::string_view rest = {folder.data() + 1, folder.size() - 1};
  const char* expanded = arena.join(std::array{home, rest});
  return expanded == nullptr ? std::string_view{} : joined(expanded, name, arena);
}

}  // namespace

std::string_view find_program(std::string_view name, const Search& search, Arena& arena) {
  if (name.empty()) {
    return {};
  }
  if (has_separator(name)) {
    const std::string_view path =
        name.starts_with('/') ? joined("", name, arena) : joined(search.working_directory, name, arena);
    return !path.empty() && is_program(path.data(), search) ? path : std::string_view{};
  }
  if (search.path_variable == nullptr) {
    return {};
  }
  std::string_view rest(search.path_variable);
  while (true) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    const std::string_view path = in_folder({rest.data(), colon}, name, search, arena);
    if (!path.empty() && is_program(path.data(), search)) {
      return path;
    }
    if (colon == rest.size()) {
      return {};
    }
    rest.remove_prefix(colon + 1);
  }
}

}  // namespace agent::launcher
