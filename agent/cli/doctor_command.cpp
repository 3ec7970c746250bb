// hearth doctor: why hits are low, with proof and remedy. Looks at the last run on record, at a running
// agent, or at this machine as it is.
#include <fmt/format.h>

#include <memory>

#include "agent/cli/agent_options.hpp"
#include "agent/cli/command.hpp"
#include "agent/doctor/admission.hpp"
#include "agent/doctor/bundle.hpp"
#include "agent/doctor/diagnosis.hpp"
#include "agent/io/file.hpp"
#include "agent/net/http_client.hpp"

namespace agent::cli {

namespace {

struct Options {
  std::string store;
  std::string control;
  std::string statistics;
  std::string log;
  std::string bundle;
  double min_hit_rate = 80;
  bool here = false;
  bool json = false;
  CLI::Option* store_option = nullptr;
};

Result<doctor::Chart> chart_of_agent(const Options& options) {
  AGENT_TRY(auto client, net::HttpClient::to_unix_socket(options.control));
  AGENT_TRY(const auto answer, client.send({.target = "/status"}));
  if (answer.status != 200) {
    return fail(Errc::invalid, "{}: the agent answered {}", options.control, answer.status);
  }
  AGENT_TRY(const auto json, io::parse_json(answer.body, "the agent's figures"));
  AGENT_TRY(auto figures, report::from_json(json));
  return doctor::chart_of_figures(std::move(figures), io::fs::current_path(), io::current_environment());
}

Result<doctor::Chart> chart_of_here(const Options& options) {
  return doctor::chart_of_machine({.folder = io::fs::current_path(),
                                   .environment = io::current_environment(),
                                   .statistics = options.statistics,
                                   .log = options.log});
}

// A store that was named must have a record; the usual one may know this folder, or may not: then this folder
// is looked at as it is, and what is on record of it is missed.
Result<doctor::Chart> admit(const Options& options) {
  if (!options.control.empty()) {
    return chart_of_agent(options);
  }
  if (options.here || !options.statistics.empty() || !options.log.empty()) {
    return chart_of_here(options);
  }
  const bool named = options.store_option->count() > 0;
  const auto runs = io::fs::path(options.store) / app::k_runs_folder;
  auto recorded = doctor::chart_of_run(runs, named ? io::fs::path() : io::fs::current_path());
  if (recorded || named) {
    return recorded;
  }
  AGENT_TRY(auto chart, chart_of_here(options));
  chart.unseen.push_back("a run: " + recorded.error().message);
  return chart;
}

int run_doctor(const Options& options) {
  auto chart = admit(options);
  if (!chart) {
    return report_error(chart.error());
  }
  chart->min_hit_rate = options.min_hit_rate;
  const auto diagnosis = doctor::examine(*chart);
  if (!options.bundle.empty()) {
    const auto text = doctor::bundle_of(*chart, diagnosis).dump(2) + "\n";
    if (const auto written = io::write_file(io::fs::absolute(options.bundle), text, {.mode = 0600});
        !written) {
      return report_error(written.error());
    }
  }
  if (options.json) {
    fmt::print("{}\n", doctor::to_json(diagnosis).dump(2));
  } else {
    fmt::print("{}", doctor::text_of(diagnosis, *chart));
  }
  return k_ok;
}

}  // namespace

Command add_doctor(CLI::App& program) {
  auto* const command = program.add_subcommand("doctor", "why hits are low: cause, proof and remedy");
  const auto options = std::make_shared<Options>();
  options->store = (default_folder() / "store").string();
  options->store_option = command->add_option("--store", options->store, "store whose last run is looked at")
                              ->capture_default_str();
  command->add_option("--control", options->control, "control socket of a running agent, instead");
  command->add_flag("--here", options->here,
                    "this folder, its environment and the sccache that runs here, instead");
  command->add_option("--stats", options->statistics,
                      "file with `sccache --show-stats --stats-format=json`; implies --here");
  command->add_option("--log", options->log, "log of sccache's server; implies --here");
  command->add_option("--min-hit-rate", options->min_hit_rate, "percent; below it hits are low")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command->add_option("--bundle", options->bundle,
                      "also write all that was looked at to this file, redacted");
  command->add_flag("--json", options->json, "for scripts");
  command->footer(
      "Example:\n  hearth doctor\n  hearth doctor --here --json\n  hearth doctor --bundle report.json");
  return {command, [options] { return run_doctor(*options); }};
}

}  // namespace agent::cli
