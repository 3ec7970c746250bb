#include "agent/cli/recorded_runs.hpp"

#include "agent/core/text.hpp"

namespace agent::cli {

Result<std::vector<app::RunRecord>> recorded_runs(const io::fs::path& store) {
  const auto folder = store / app::k_runs_folder;
  auto runs = app::read_runs(folder, app::k_runs_kept);
  if (runs.empty()) {
    return app::no_run_in(folder);
  }
  return runs;
}

Result<app::RunRecord> recorded_run(const io::fs::path& store, const std::string& name) {
  const auto folder = store / app::k_runs_folder;
  const auto wanted = parse_number(name, "run");
  app::RecordedRuns recorded(folder);
  std::size_t count = 0;
  while (auto run = recorded.next()) {
    ++count;
    if (run->id == name || (wanted && *wanted == count)) {
      return *std::move(run);
    }
  }
  if (count == 0) {
    return app::no_run_in(folder);
  }
  return fail(Errc::invalid, "no run '{}' is on record; there are 1 (the last) to {}", name, count);
}

}  // namespace agent::cli
