#include "agent/doctor/build_output.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <tuple>

namespace agent::doctor {

namespace {

namespace fs = io::fs;

constexpr std::size_t k_most_units = 20'000;
constexpr std::size_t k_most_visited = 40'000;
constexpr std::size_t k_most_written = 3;  // evidence
constexpr int k_most_depth = 12;

std::optional<std::int64_t> written_ms(const fs::directory_entry& entry) {
  std::error_code error;
  const auto at = entry.last_write_time(error);
  if (error) {
    return std::nullopt;
  }
  const auto since = std::chrono::file_clock::to_sys(at).time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

enum class When : std::uint8_t { never, before, during, after };

// The folder of one unit holds its fingerprint and the time of its last compilation. Its own time tells
// nothing: cargo writes the same names again. Running a build script has a folder too, and calls no compiler.
// Source: cargo, src/cargo/core/compiler/fingerprint; read 2026-11.
When compiled(const fs::path& unit, const Span& run) {
  std::error_code error;
  std::int64_t newest = 0;
  for (const auto& entry : fs::directory_iterator(unit, error)) {
    if (entry.path().filename().native().starts_with("run-build-script-")) {
      return When::never;
    }
    newest = std::max(newest, written_ms(entry).value_or(0));
  }
  if (newest == 0) {
    return When::never;
  }
  if (!run.known() || newest < run.began_ms) {
    return When::before;
  }
  return run.holds(newest) ? When::during : When::after;
}

// A package has a unit for each way it is compiled, and old ones stay beside new ones: so what the run had no
// need to compile are packages of which it wrote no unit at all.
CargoOutput profile_output(const fs::path& profile, const Span& run) {
  CargoOutput output{.folder = profile};
  std::set<std::string> before;
  std::set<std::string> since;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(profile / ".fingerprint", error)) {
    const auto when = compiled(entry.path(), run);
    if (when == When::never) {
      continue;
    }
    const auto name = entry.path().filename().string();  // "serde-0123456789abcdef"
    (when == When::before ? before : since).insert(name.substr(0, name.rfind('-')));
    output.written += when == When::during ? std::size_t{1} : std::size_t{0};
    if (++output.units == k_most_units) {
      break;
    }
  }
  output.packages_before = static_cast<std::size_t>(
      std::ranges::count_if(before, [&](const std::string& name) { return !since.contains(name); }));
  return output;
}

// target/<profile>, and target/<triple>/<profile> of builds for another machine.
std::vector<fs::path> profiles_in(const fs::path& target) {
  std::vector<fs::path> profiles;
  std::error_code error;
  auto walk = fs::recursive_directory_iterator(target, error);
  for (; !error && walk != fs::recursive_directory_iterator(); walk.increment(error)) {
    std::error_code ignored;
    if (!walk->is_directory(ignored)) {
      continue;
    }
    const bool is_profile = fs::is_directory(walk->path() / ".fingerprint", ignored);
    if (is_profile) {
      profiles.push_back(walk->path());
    }
    if (is_profile || walk.depth() == 1) {
      walk.disable_recursion_pending();
    }
  }
  std::ranges::sort(profiles);
  return profiles;
}

bool is_object(const fs::path& path) {
  return path.extension() == ".o" || path.extension() == ".obj";
}

bool is_built(const fs::directory_entry& entry) {
  constexpr std::array<std::string_view, 5> k_extensions = {".a", ".so", ".dylib", ".lib", ".exe"};
  const auto extension = entry.path().extension().string();
  if (!extension.empty()) {
    return is_object(entry.path()) || std::ranges::find(k_extensions, extension) != k_extensions.end();
  }
  std::error_code error;
  const auto mode = entry.status(error).permissions();
  return !error && (mode & fs::perms::owner_exec) != fs::perms::none;
}

bool is_passed_over(const std::string& name) {
  return name.starts_with('.') || name == "target" || name == "node_modules";
}

}  // namespace

CargoOutput cargo_output(const fs::path& target, const Span& run) {
  CargoOutput best;
  for (const auto& profile : profiles_in(target)) {
    auto output = profile_output(profile, run);
    if (std::tie(output.written, output.units) > std::tie(best.written, best.units)) {
      best = std::move(output);
    }
  }
  return best;
}

std::vector<fs::path> written_in(const fs::path& folder, const Span& run, Built what) {
  std::vector<fs::path> written;
  if (!run.known()) {
    return written;
  }
  std::error_code error;
  std::size_t visited = 0;
  auto walk = fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied, error);
  for (; !error && walk != fs::recursive_directory_iterator() && ++visited < k_most_visited &&
         written.size() < k_most_written;
       walk.increment(error)) {
    const auto& entry = *walk;
    std::error_code ignored;
    if (entry.is_directory(ignored)) {
      if (is_passed_over(entry.path().filename().string()) || walk.depth() >= k_most_depth) {
        walk.disable_recursion_pending();
      }
    } else if (entry.is_regular_file(ignored) &&
               (what == Built::any ? is_built(entry) : is_object(entry.path())) &&
               run.holds(written_ms(entry).value_or(0))) {
      written.push_back(entry.path());
    }
  }
  std::ranges::sort(written);
  return written;
}

}  // namespace agent::doctor
