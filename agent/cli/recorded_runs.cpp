#include "agent/cli/recorded_runs.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "agent/app/unreadable_runs.hpp"
#include "agent/core/text.hpp"

namespace agent::cli {

void warn_of_unreadable_runs(const io::fs::path& store, const app::RunRecord& newest) {
  for (const auto& error : app::unreadable_runs(store / app::k_runs_folder, newest.id)) {
    fmt::print(stderr, "hearth: warning: passed over: {}\n", error.message);
  }
}

Result<std::vector<app::RunRecord>> recorded_runs(const io::fs::path& store) {
  const auto folder = store / app::k_runs_folder;
  auto runs = app::read_runs(folder, app::k_runs_kept);
  if (runs.empty()) {
    return app::why_no_run(folder);
  }
  warn_of_unreadable_runs(store, runs.back());
  return runs;
}

Result<app::RunRecord> recorded_run(const io::fs::path& store, const std::string& name) {
  const auto folder = store / app::k_runs_folder;
  const auto wanted = parse_number(name, "run");
  app::RecordedRuns recorded(folder);
  std::size_t count = 0;
  while (auto run = recorded.next()) {
    if (++count == 1) {
      warn_of_unreadable_runs(store, *run);
    }
    if (run->id == name || (wanted && *wanted == count)) {
      return *std::move(run);
    }
  }
  if (count == 0) {
    return app::why_no_run(folder);
  }
  return fail(Errc::invalid, "no run '{}' is on record; there are 1 (the last) to {}", name, count);
}

}  // namespace agent::cli
