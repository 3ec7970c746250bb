// hearth diff and hearth why: two recorded runs side by side, and one compilation or key through all of them.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "agent/app/run_record.hpp"
#include "agent/cli/agent_options.hpp"
#include "agent/cli/command.hpp"
#include "agent/cli/recorded_runs.hpp"
#include "agent/doctor/admission.hpp"
#include "agent/doctor/difference.hpp"
#include "agent/report/plain.hpp"

namespace agent::cli {

namespace {

struct Options {
  std::string store = (default_folder() / "store").string();
  std::string first;
  std::string second;
  bool json = false;
};

Result<doctor::Difference> difference_of(const Options& options) {
  if (options.first.empty()) {
    AGENT_TRY(const auto runs, doctor::last_runs(io::fs::path(options.store) / app::k_runs_folder));
    warn_of_unreadable_runs(options.store, runs.last);
    if (!runs.previous) {
      return fail(Errc::not_found, "no run before the last is on record that it can be compared to");
    }
    return doctor::compare(*runs.previous, runs.last);
  }
  AGENT_TRY(const auto then, recorded_run(options.store, options.first));
  AGENT_TRY(const auto now, recorded_run(options.store, options.second.empty() ? "1" : options.second));
  return doctor::compare(then, now);
}

int run_diff(const Options& options) {
  const auto difference = difference_of(options);
  if (!difference) {
    return report_error(difference.error());
  }
  if (options.json) {
    fmt::print("{}\n", doctor::to_json(*difference).dump(2));
  } else {
    fmt::print("{}", doctor::text_of(*difference));
  }
  return k_ok;
}

int run_why(const Options& options) {
  const auto runs = recorded_runs(options.store);
  if (!runs) {
    return report_error(runs.error());
  }
  const auto history = doctor::history_of(*runs, options.first);
  if (history.empty()) {
    const auto near = doctor::near_names(*runs, options.first);
    fmt::print(stderr, "hearth: no recorded run knows {}; {}\n", report::log_text(options.first),
               near.empty() ? "names are known of runs with `hearth run --explain`"
                            : "there is " + report::log_text(fmt::format("{}", fmt::join(near, ", "))));
    return k_miss;
  }
  fmt::print("{}", history);
  const auto difference = difference_of({.store = options.store, .first = {}, .second = {}, .json = false});
  if (!difference) {
    return k_ok;  // one run alone has its history too
  }
  bool changed = false;
  for (const auto& key : difference->changed) {
    if (key.name == options.first ||
        fmt::format("{:016x}", key.now).starts_with(options.first.substr(0, 16))) {
      fmt::print("changed: {}\n", doctor::text_of(key));
      changed = true;
    }
  }
  // What a flag does to arguments is the first input that changed, but not why it did.
  for (const auto& change : changed ? difference->around : std::vector<doctor::Change>{}) {
    fmt::print("around the build: {}\n", doctor::text_of(change));
  }
  return k_ok;
}

}  // namespace

Command add_diff(CLI::App& program) {
  auto* const command =
      program.add_subcommand("diff", "what changed between two recorded runs, and what of it enters keys");
  const auto options = std::make_shared<Options>();
  command->add_option("--store", options->store, "store that has the runs on record")->capture_default_str();
  command->add_option("THEN", options->first, "the earlier run: its id, or 2 for the one before the last");
  command->add_option("NOW", options->second, "the later run (default: the last)");
  command->add_flag("--json", options->json, "for scripts");
  command->footer("Example:\n  hearth run --explain -- make\n  hearth diff\n  hearth diff 3 1");
  return {command, [options] { return run_diff(*options); }};
}

Command add_why(CLI::App& program) {
  auto* const command = program.add_subcommand(
      "why", "one compilation or key in the recorded runs: hit or miss, and what changed");
  const auto options = std::make_shared<Options>();
  command->add_option("--store", options->store, "store that has the runs on record")->capture_default_str();
  command
      ->add_option("NAME", options->first,
                   "a crate, an object file such as main.o, or six or more digits of a key")
      ->required();
  command->footer("Example:\n  hearth run --explain -- cargo build\n  hearth why serde");
  return {command, [options] { return run_why(*options); }};
}

}  // namespace agent::cli
