#include "agent/doctor/project.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>

#include "agent/core/text.hpp"
#include "agent/io/json.hpp"
#include "agent/sccache/redaction.hpp"

namespace agent::doctor {

namespace {

namespace fs = io::fs;

constexpr std::size_t k_most_sources = 4000;
constexpr std::size_t k_most_visited = 40'000;
constexpr std::size_t k_source_limit = std::size_t{512} * 1024;
constexpr std::size_t k_most_findings = 5;
constexpr int k_most_depth = 8;

std::optional<std::string> content_of(const fs::path& path, std::uint64_t limit = k_max_settings_bytes) {
  auto text = io::read_file(path, limit);
  return text ? std::optional(*std::move(text)) : std::nullopt;
}

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

std::string shown_path(const fs::path& path, const fs::path& folder) {
  const auto relative = path.lexically_relative(folder);
  return relative.empty() || relative.native().starts_with("..") ? path.string() : relative.string();
}

void append(Settings& settings, Settings more) {
  settings.insert(settings.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// Cargo lets the deepest folder win: those above come first. Source: The Cargo Book, "Hierarchical
// structure"; read 2026-11.
Settings read_cargo_config(const fs::path& folder, const io::Environment& environment) {
  std::vector<fs::path> places;
  for (auto above = folder;; above = above.parent_path()) {
    places.push_back(above / ".cargo");
    if (above == above.parent_path()) {
      break;
    }
  }
  auto home = fs::path(io::variable_in(environment, "CARGO_HOME"));
  if (home.empty()) {
    home = fs::path(io::environment_value("HOME")) / ".cargo";
  }
  places.push_back(home);
  std::ranges::reverse(places);
  Settings settings;
  for (const auto& place : places) {
    for (const auto* name : {"config", "config.toml"}) {
      if (const auto text = content_of(place / name)) {
        append(settings, parse_toml(*text, shown_path(place / name, folder)));
        break;
      }
    }
  }
  return settings;
}

// A stale build folder beside the one that was built says nothing of this run.
void read_cmake(Project& project, const Span& run) {
  std::vector<fs::path> places = {project.folder / "CMakeCache.txt"};
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(project.folder, error)) {
    if (places.size() < 64 && entry.is_directory(error)) {
      places.push_back(entry.path() / "CMakeCache.txt");
    }
  }
  std::erase_if(places, [](const fs::path& place) { return !is_there(place); });
  std::ranges::sort(places);
  const auto built = std::ranges::find_if(places, [&](const fs::path& place) {
    return !written_in(place.parent_path(), run, Built::objects).empty();
  });
  project.cmake_built = built != places.end();
  for (auto place = project.cmake_built ? built : places.begin(); place != places.end(); ++place) {
    if (const auto text = content_of(*place, 4 * k_max_settings_bytes)) {
      project.cmake_cache_path = shown_path(*place, project.folder);
      project.cmake_cache = parse_cmake_cache(*text, project.cmake_cache_path);
      return;
    }
  }
}

void read_yaml(Settings& settings, const fs::path& path, const fs::path& folder) {
  if (const auto text = content_of(path)) {
    append(settings, parse_yaml_lines(*text, shown_path(path, folder)));
  }
}

void read_workflows(Project& project) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(project.folder / ".github" / "workflows", error)) {
    const auto extension = entry.path().extension();
    if ((extension == ".yml" || extension == ".yaml") && paths.size() < 100) {
      paths.push_back(entry.path());
    }
  }
  std::ranges::sort(paths);
  for (const auto& path : paths) {
    read_yaml(project.workflows, path, project.folder);
  }
  read_yaml(project.moon, project.folder / ".moon" / "workspace.yml", project.folder);
}

void read_target(Project& project, const io::Environment& environment, const Span& run) {
  auto target = fs::path(io::variable_in(environment, "CARGO_TARGET_DIR"));
  if (const auto* set = target.empty() ? find(project.cargo_config, "build.target-dir") : nullptr) {
    target = set->value;
  }
  target = project.folder / (target.empty() ? fs::path("target") : target);
  project.rustc = remembered_rustc(target);
  project.cargo_output = cargo_output(target, run);
  project.target = shown_path(project.cargo_output.folder, project.folder);
}

bool is_c(const fs::path& path) {
  constexpr std::array<std::string_view, 9> k_extensions = {".c",   ".cc",  ".cpp", ".cxx", ".h",
                                                            ".hpp", ".hxx", ".hh",  ".cu"};
  return std::ranges::find(k_extensions, path.extension().string()) != k_extensions.end();
}

// The first line that holds one of `words`, as evidence; nothing where none does. Nearly every source of
// nearly every project is looked through for nothing, at the end of each run: so lines are made of what is
// found only.
void look_for(std::string_view text, std::span<const std::string_view> words, const std::string& path,
              std::vector<std::string>& found) {
  if (found.size() == k_most_findings) {
    return;
  }
  auto before = text;  // what comes in front of the first of them
  for (const auto word : words) {
    const auto* const at = std::search(before.begin(), before.end(),
                                       std::boyer_moore_horspool_searcher(word.begin(), word.end()));
    before = before.substr(0, static_cast<std::size_t>(at - before.begin()));
  }
  if (before.size() == text.size()) {
    return;
  }
  const auto begin = before.rfind('\n') + 1;  // 0 where there is none
  const auto line = text.substr(begin, text.find('\n', begin) - begin);
  found.push_back(fmt::format("{}:{}: {}", path, std::ranges::count(before, '\n') + 1,
                              sccache::without_secrets(trimmed(line).substr(0, 200))));
}

// `text` is memory for its content.
void read_source(Project& project, const fs::path& path, std::string& text) {
  using namespace std::string_view_literals;
  constexpr std::array k_clock = {"__TIME__"sv, "__DATE__"sv, "__TIMESTAMP__"sv};
  constexpr std::array k_path = {"__FILE__"sv};
  constexpr std::array k_volatile = {"rev-parse"sv,       "git describe"sv, R"("describe")"sv, "GIT_HASH"sv,
                                     "SystemTime::now"sv, "Utc::now"sv,     "vergen"sv};
  if (!io::read_file_into(path, k_source_limit, text)) {
    return;
  }
  const auto shown = shown_path(path, project.folder);
  if (is_c(path)) {
    look_for(text, k_clock, shown, project.clock_macros);
    look_for(text, k_path, shown, project.path_macros);
  } else if (text.contains("cargo:rustc-env") || text.contains("cargo::rustc-env")) {
    look_for(text, k_volatile, shown, project.volatile_env);
  }
}

bool is_output(const std::string& name) {
  constexpr std::array<std::string_view, 6> k_names = {"target", "node_modules", "vendor",
                                                       "build",  "dist",         "third_party"};
  return name.starts_with('.') || std::ranges::find(k_names, name) != k_names.end();
}

void read_sources(Project& project) {
  std::error_code error;
  std::size_t visited = 0;
  std::size_t sources = 0;
  std::string text;
  auto walk =
      fs::recursive_directory_iterator(project.folder, fs::directory_options::skip_permission_denied, error);
  for (; !error && walk != fs::recursive_directory_iterator() && ++visited < k_most_visited &&
         sources < k_most_sources;
       walk.increment(error)) {
    const auto& entry = *walk;
    std::error_code ignored;
    if (entry.is_directory(ignored)) {
      if (is_output(entry.path().filename().string()) || walk.depth() >= k_most_depth) {
        walk.disable_recursion_pending();
      }
    } else if (is_c(entry.path()) || entry.path().filename() == "build.rs") {
      ++sources;
      read_source(project, entry.path(), text);
    }
  }
}

}  // namespace

std::string remembered_rustc(const fs::path& target) {
  const auto text = content_of(target / ".rustc_info.json");
  const auto json = text ? io::parse_json(*text, ".rustc_info.json") : std::unexpected(Error{});
  if (!json) {
    return {};
  }
  if (const auto* outputs = (*json)["outputs"].object()) {
    for (const auto& [number, output] : *outputs) {
      const auto told = output.text("stdout");
      if (told.starts_with("rustc ")) {
        return told.substr(0, told.find('\n'));
      }
    }
  }
  return {};
}

Project read_project(const fs::path& folder, const io::Environment& environment, const Span& run) {
  Project project;
  project.folder = folder;
  project.cargo = is_there(folder / "Cargo.toml");
  project.cmake = is_there(folder / "CMakeLists.txt");
  project.make =
      is_there(folder / "Makefile") || is_there(folder / "makefile") || is_there(folder / "GNUmakefile");
  project.cargo_config = read_cargo_config(folder, environment);
  if (const auto text = content_of(folder / "Cargo.toml")) {
    project.manifest = parse_toml(*text, "Cargo.toml");
  }
  read_cmake(project, run);
  read_workflows(project);
  if (project.cargo) {
    read_target(project, environment, run);
  }
  read_sources(project);
  for (const auto& path : written_in(folder, run, Built::any)) {
    project.written.push_back(shown_path(path, folder));
  }
  return project;
}

}  // namespace agent::doctor
