#include "agent/sccache/cache_folder.hpp"

#include <algorithm>

#include "agent/core/text.hpp"

namespace agent::sccache {

namespace {

constexpr std::size_t k_max_levels = 6;
constexpr std::size_t k_max_path = 400;
constexpr std::size_t k_max_name = 255;

bool is_name(std::string_view name) {
  constexpr std::string_view k_letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  return !name.empty() && name.size() <= k_max_name && !name.starts_with('.') &&
         name.find_first_not_of(k_letters) == std::string_view::npos;
}

}  // namespace

bool is_entry(std::string_view path) {
  if (path.size() > k_max_path) {
    return false;
  }
  const auto names = split(path, '/');
  return names.size() <= k_max_levels && std::ranges::all_of(names, is_name);
}

io::fs::path list_beside(const io::fs::path& folder) {
  auto path = folder;
  path += ".list";
  return path;
}

}  // namespace agent::sccache
