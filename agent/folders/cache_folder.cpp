#include "agent/folders/cache_folder.hpp"

#include <algorithm>

#include "agent/core/text.hpp"

namespace agent::folders {

namespace {

constexpr std::size_t k_max_levels = 6;
constexpr std::size_t k_max_path = 400;
constexpr std::size_t k_max_name = 255;

bool is_name(std::string_view name) {
  constexpr std::string_view k_letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  return !name.empty() && name.size() <= k_max_name && !name.starts_with('.') &&
         name.find_first_not_of(k_letters) == std::string_view::npos;
}

// At most six levels of [A-Za-z0-9._-], none of which begins with a dot, so that neither sccache's temporary
// files nor anything outside the folder is meant.
bool is_sccache_entry(std::string_view path) {
  if (path.size() > k_max_path) {
    return false;
  }
  const auto names = split(path, '/');
  return names.size() <= k_max_levels && std::ranges::all_of(names, is_name);
}

bool is_hex_digit(std::string_view name) {
  return name.size() == 1 && name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// The rest of a digest, and a letter for the kind of file.
bool is_ccache_file(std::string_view name) {
  constexpr std::string_view k_letters = "0123456789abcdefghijklmnopqrstuvwxyz";
  constexpr std::size_t k_least = 8;
  return name.size() >= k_least && name.size() <= k_max_name &&
         std::string_view("RMW").find(name.back()) != std::string_view::npos &&
         name.substr(0, name.size() - 1).find_first_not_of(k_letters) == std::string_view::npos;
}

bool is_ccache_entry(std::string_view path) {
  constexpr std::size_t k_least_levels = 2;
  constexpr std::size_t k_most_levels = 5;
  if (path.size() > k_max_path) {
    return false;
  }
  auto names = split(path, '/');
  if (names.size() < k_least_levels || names.size() > k_most_levels || !is_ccache_file(names.back())) {
    return false;
  }
  names.pop_back();
  return std::ranges::all_of(names, is_hex_digit);
}

}  // namespace

const CacheFolder& sccache_folder() {
  static constexpr CacheFolder k_folder{.tool = "sccache",
                                        .name_space = "sccache-direct/",
                                        .is_entry = is_sccache_entry,
                                        .replaced_below = "preprocessor/"};
  return k_folder;
}

const CacheFolder& ccache_folder() {
  static constexpr CacheFolder k_folder{
      .tool = "ccache", .name_space = "ccache/", .is_entry = is_ccache_entry, .replaced_below = ""};
  return k_folder;
}

io::fs::path list_beside(const io::fs::path& folder) {
  auto path = folder;
  path += ".list";
  return path;
}

}  // namespace agent::folders
