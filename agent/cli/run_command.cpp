// hearth run -- CMD…: an agent for one command, on a laptop too. Starts the agent, wires sccache, runs the
// command, drains, prints the summary. Whatever goes wrong with the cache, the command runs, and its exit
// code is ours.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "agent/app/agent.hpp"
#include "agent/cli/agent_options.hpp"
#include "agent/cli/command.hpp"
#include "agent/cli/signals.hpp"
#include "agent/cli/surroundings.hpp"
#include "agent/cli/tag_options.hpp"
#include "agent/doctor/admission.hpp"
#include "agent/doctor/diagnosis.hpp"
#include "agent/io/private_folder.hpp"
#include "agent/io/random.hpp"
#include "agent/report/text.hpp"
#include "agent/sccache/install.hpp"

namespace agent::cli {

namespace {

constexpr int k_most_substores = 16;
constexpr std::size_t k_token_bytes = 24;
constexpr std::string_view k_sccache_folder = "sccache";  // in the store's folder
constexpr std::string_view k_ccache_folder = "ccache";    // likewise

struct Options {
  AgentOptions common;
  std::string summary_json;
  double min_hit_rate = 80;
  bool explain = false;
  bool ccache = false;
  bool quiet = false;
  bool live = false;
  std::vector<std::string> command;
};

void warn(std::string_view what, const Error& error) {
  fmt::print(stderr, "hearth: warning: {}: {}; the build goes on without the cache\n", what, error.message);
}

// A store has one owner: the next `hearth run` at the same time takes a store beside it.
Result<std::unique_ptr<app::Agent>> start_agent(const app::Config& config, bool ccache) {
  for (int i = 1;; ++i) {
    auto own = config;
    if (i > 1) {
      own.store += fmt::format(".{}", i);
    }
    own.sccache_dir = own.store / k_sccache_folder / "cache";  // whoever has the store has it too
    if (ccache) {
      own.ccache_dir = own.store / k_ccache_folder / "cache";
    }
    auto agent = app::Agent::start(std::move(own));
    if (agent || agent.error().code != Errc::conflict || i == k_most_substores) {
      return agent;
    }
  }
}

// The agent and the private sccache of one command.
struct Session {
  io::PrivateFolder folder;
  io::PrivateFolder sccache_folder;  // of disk mode
  io::PrivateFolder ccache_folder;
  io::fs::path runs;        // where runs are on record
  io::fs::path started_in;  // a build may remove it
  std::shared_ptr<app::Surroundings> surroundings = std::make_shared<app::Surroundings>();
  std::unique_ptr<app::Agent> agent;
  sccache::Installation installation;
  std::chrono::milliseconds drain_deadline{};
};

Result<Session> open_session(Options& options, const io::Environment& environment) {
  if (options.common.tag.empty()) {
    AGENT_TRY(options.common.tag, default_tag());
  }
  AGENT_TRY(auto config, to_config(options.common));
  const auto own_program = io::fs::read_symlink("/proc/self/exe");
  AGENT_TRY(const auto real, sccache::find_real(environment, own_program));
  AGENT_TRY(const auto launcher, sccache::find_launcher(environment, own_program));
  Session session;
  session.started_in = io::fs::current_path();
  if (!options.summary_json.empty()) {
    options.summary_json = io::fs::absolute(options.summary_json).string();
  }
  AGENT_TRY(session.folder, io::PrivateFolder::make());
  session.drain_deadline = config.drain_deadline;
  AGENT_TRY(auto token, io::random_hex(k_token_bytes));
  config.token = Secret(std::move(token));
  config.leftover = app::Config::Leftover::removed;
  config.checkout = session.started_in.string();
  session.runs = config.runs = config.store / app::k_runs_folder;
  config.surroundings = [known = session.surroundings](const auto& statistics) {
    auto surroundings = *known;
    add_programs(surroundings, statistics);
    return surroundings;
  };
  AGENT_CHECK(create_folder_of(options.common));
  AGENT_TRY(session.agent, start_agent(config, options.ccache));
  const auto disk = session.agent->disk_cache();
  if (disk) {
    session.sccache_folder = io::PrivateFolder::adopt(disk->folder.parent_path());
  }
  if (options.ccache) {
    session.ccache_folder = io::PrivateFolder::adopt(session.agent->ccache_folder().parent_path());
  }
  AGENT_TRY(session.installation, sccache::install({.folder = session.folder.path(),
                                                    .seen_folder = session.folder.path(),
                                                    .launcher = launcher,
                                                    .real = real,
                                                    .copy_real = false,
                                                    .endpoint = session.agent->endpoint(),
                                                    .token = config.token,
                                                    .disk = disk,
                                                    .logs_keys = options.explain,
                                                    .owner = {.user = ::geteuid(), .group = ::getegid()}}));
  session.agent->watch_sccache(real, session.installation.socket, session.folder.path() / sccache::k_state);
  if (options.live) {
    // The token is behind '#', which browsers keep to themselves.
    fmt::print(stderr, "hearth: live page: {}/#token={}\n", session.agent->endpoint(), config.token.reveal());
  }
  return session;
}

// Also where the folder is gone that hearth was started in, or another surprise: the command can be run all
// the same.
Result<Session> try_to_open_session(Options& options, const io::Environment& environment) {
  try {
    return open_session(options, environment);
  } catch (const std::exception& error) {
    return fail(Errc::io, "{}", error.what());
  }
}

// A build that calls `sccache` goes on without one, and without a cache that nobody asked for: the machine's
// own server, where there is one, is another cache.
struct Bare {
  io::PrivateFolder folder;
  io::fs::path bin;
};

Result<Bare> open_bare(const io::Environment& environment) {
  AGENT_TRY(const auto launcher, sccache::find_launcher(environment, io::fs::read_symlink("/proc/self/exe")));
  Bare bare;
  AGENT_TRY(bare.folder, io::PrivateFolder::make());
  AGENT_TRY(bare.bin, sccache::install_bare(bare.folder.path(), launcher));
  return bare;
}

// The exit code of the command; a stop request is passed on to it as SIGTERM (a terminal's Ctrl-C reaches it
// anyway).
int run_child(const std::vector<std::string>& arguments, const io::Environment& environment,
              const std::stop_token& stop) {
  auto child = io::Child::start({.arguments = arguments, .environment = environment});
  if (!child) {
    // As shells have it.
    constexpr int k_not_executable = 126;
    constexpr int k_not_found = 127;
    fmt::print(stderr, "hearth: {}\n", child.error().message);
    return child.error().code == Errc::denied ? k_not_executable : k_not_found;
  }
  const std::stop_callback forward(stop, [&] { child->signal(SIGTERM); });
  return child->wait();
}

// Asked where hits are low only: it reads the project's files.
void add_verdicts(report::Figures& figures, const Session& session, double min_hit_rate) {
  if (!doctor::is_called_for(figures, min_hit_rate, session.started_in)) {
    return;
  }
  if (auto chart = doctor::chart_of_run_named(session.runs, session.agent->record_id())) {
    chart->min_hit_rate = min_hit_rate;
    figures.verdicts = doctor::examine(*chart).verdicts;
  }
}

void print_summary(const Options& options, const report::Figures& figures) {
  if (!options.quiet) {
    fmt::print(stderr, "{}", report::text(figures));
  }
  if (!options.summary_json.empty()) {
    const auto text = report::to_json(figures).dump(2) + "\n";
    if (auto written = io::write_file(options.summary_json, text); !written) {
      fmt::print(stderr, "hearth: warning: {}\n", written.error().message);
    }
  }
}

int run_command(Options& options) {
  const Signals signals;
  const auto environment = io::current_environment();
  auto session = try_to_open_session(options, environment);
  if (!session) {
    if (session.error().code == Errc::invalid) {  // a wrong option is ours to refuse, before anything runs
      return report_error(session.error());
    }
    warn("no cache", session.error());
    const auto bare = open_bare(environment);
    if (!bare) {
      warn("no sccache in its place", bare.error());
    }
    return run_child(options.command, bare ? sccache::bare_environment(environment, bare->bin) : environment,
                     signals.token());
  }
  auto inner = sccache::job_environment(environment, session->installation);
  if (options.ccache) {
    io::set_variable(inner, "CCACHE_DIR", session->agent->ccache_folder().string());
  }
  *session->surroundings = surroundings_of(options.command, environment, inner);
  const int code = run_child(options.command, inner, signals.token());
  try {
    auto figures = session->agent->drain(session->drain_deadline);
    add_verdicts(figures, *session, options.min_hit_rate);
    print_summary(options, figures);
  } catch (const std::exception& error) {  // the exit code is the build's, whatever becomes of its figures
    warn("no summary", fail(Errc::io, "{}", error.what()).error());
  }
  return code;
}

}  // namespace

Command add_run(CLI::App& program) {
  auto* const command = program.add_subcommand("run", "an agent for one command, on a laptop too");
  const auto options = std::make_shared<Options>();
  add_agent_options(*command, options->common);
  command->add_option("--summary-json", options->summary_json, "file for the figures as JSON");
  command
      ->add_option("--min-hit-rate", options->min_hit_rate,
                   "percent; below it the summary says why, as `hearth doctor` does; 0: never")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command->add_flag("--explain", options->explain,
                    "record what makes each key, for `hearth diff` and `hearth why`; slows sccache a little");
  command->add_flag("--ccache", options->ccache,
                    "ccache too: its folder is filled from the tag, and what it adds is published");
  command->add_flag("--quiet", options->quiet, "no summary on standard error");
  command->add_flag("--live", options->live,
                    "print the address of the run's live page first, with its token: for your own screen");
  command->add_option("command", options->command, "the command and its arguments, after --")->required();
  command->positionals_at_end();
  command->footer(
      "Example:\n  hearth run -- cargo build --release\n  hearth run --tag my-tag -- make -j8\n  hearth run "
      "--ccache -- make CC=\"ccache gcc\"");
  return {command, [options] { return run_command(*options); }};
}

}  // namespace agent::cli
