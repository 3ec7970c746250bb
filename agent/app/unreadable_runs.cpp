#include "agent/app/unreadable_runs.hpp"

#include <algorithm>
#include <system_error>

#include "agent/app/run_record.hpp"

namespace agent::app {

std::vector<Error> unreadable_runs(const io::fs::path& folder, std::string_view id) {
  std::vector<Error> errors;
  std::error_code error;
  std::vector<io::fs::path> paths;
  for (const auto& entry : io::fs::directory_iterator(folder, error)) {
    const auto& path = entry.path();
    const bool is_record = path.extension() == ".json" && !path.filename().native().starts_with('.');
    if (is_record && path.stem().native() > id) {  // ids sort by time
      paths.push_back(path);
    }
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    errors.push_back(fail_errno("list", folder.native(), error.value()).error());
  }
  std::ranges::sort(paths, std::ranges::greater{});
  for (const auto& path : paths) {
    const auto text = io::read_file(path, k_max_record_bytes);
    const auto record = text ? parse_run_record(*text) : std::unexpected(text.error());
    if (!record) {
      errors.push_back(with_context(path.native(), record.error()).error());
    }
  }
  return errors;
}

std::unexpected<Error> why_no_run(const io::fs::path& folder) {
  auto errors = unreadable_runs(folder);
  return errors.empty() ? no_run_in(folder) : std::unexpected(std::move(errors.front()));
}

}  // namespace agent::app
