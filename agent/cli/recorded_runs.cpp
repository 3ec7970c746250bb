#include "agent/cli/recorded_runs.hpp"

#include <algorithm>

#include "agent/core/text.hpp"

namespace agent::cli {

Result<std::vector<app::RunRecord>> recorded_runs(const io::fs::path& store) {
  const auto folder = store / app::k_runs_folder;
  auto runs = app::read_runs(folder, app::k_runs_kept);
  if (runs.empty()) {
    return fail(Errc::not_found, "no run is on record in {}", folder.string());
  }
  return runs;
}

Result<const app::RunRecord*> recorded_run(const std::vector<app::RunRecord>& runs, const std::string& name) {
  if (const auto back = parse_number(name, "run"); back && *back >= 1 && *back <= runs.size()) {
    return &runs[runs.size() - *back];
  }
  const auto found = std::ranges::find(runs, name, &app::RunRecord::id);
  if (found == runs.end()) {
    return fail(Errc::invalid, "no run '{}' is on record; there are 1 (the last) to {}", name, runs.size());
  }
  return &*found;
}

}  // namespace agent::cli
