#include "agent/app/unreadable_runs.hpp"

#include <ranges>
#include <system_error>

#include "agent/app/run_record.hpp"

namespace agent::app {

std::vector<Error> unreadable_runs(const io::fs::path& folder, std::string_view id) {
  std::vector<Error> errors;
  std::error_code error;
  const auto paths = records_in(folder, error);
  if (error && error != std::errc::no_such_file_or_directory) {
    errors.push_back(fail_errno("list", folder.native(), error.value()).error());
  }
  for (const auto& path : paths | std::views::reverse) {
    if (path.stem().native() <= id) {  // ids sort by time
      break;
    }
    if (const auto record = read_run(path); !record) {
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
