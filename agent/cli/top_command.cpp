// hearth top: what a running agent does, as it happens, or what a recorded run did; as a page of its own too.
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>

#include "agent/cli/agent_options.hpp"
#include "agent/cli/command.hpp"
#include "agent/cli/control_client.hpp"
#include "agent/cli/recorded_runs.hpp"
#include "agent/cli/signals.hpp"
#include "agent/cli/standard_streams.hpp"
#include "agent/core/text.hpp"
#include "agent/io/file.hpp"
#include "agent/pages/page.hpp"
#include "agent/report/live.hpp"

namespace agent::cli {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t k_kept = 120;
constexpr std::size_t k_usual_columns = 80;
constexpr auto k_patience = 5s;
constexpr auto k_shortest = 100ms;

struct Options {
  std::string control;
  std::string interval = "1s";
  unsigned count = 0;
  std::string store = (default_folder() / "store").string();
  std::string run;
  std::string page;
};

std::size_t columns_of_screen() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : k_usual_columns;
}

// False where it cannot be written.
bool show(const report::Moments& moments, bool screen) {
  if (screen) {
    // Home, then what is new over what was, then nothing below it: clearing first would flicker.
    fmt::print("\x1b[H{}\x1b[J", report::live_screen(moments, columns_of_screen()));
  } else {
    fmt::print("{}", report::live_line(moments));
  }
  return std::fflush(stdout) == 0;
}

Result<void> run_top(const Options& options) {
  AGENT_TRY(const auto interval, parse_duration(options.interval, "--interval"));
  const Signals signals;
  const bool screen = ::isatty(STDOUT_FILENO) == 1;
  if (screen) {
    fmt::print("\x1b[2J");
  }
  report::Moments moments;
  std::mutex mutex;
  std::condition_variable_any ended;
  for (unsigned shown = 0; options.count == 0 || shown < options.count;) {
    auto figures = ask_agent(options.control, {.method = "GET", .target = "/status"}, k_patience);
    if (!figures) {
      if (moments.empty()) {
        return std::unexpected(std::move(figures).error());
      }
      fmt::print("the agent has ended\n");
      return {};
    }
    moments.push_back({.at = std::chrono::steady_clock::now(), .figures = *std::move(figures)});
    if (moments.size() > k_kept) {
      moments.pop_front();
    }
    if (!show(moments, screen)) {  // SIGPIPE, which would have ended us, is ignored
      output_failed(errno);
      return {};
    }
    if (++shown == options.count) {
      break;
    }
    std::unique_lock lock(mutex);
    ended.wait_for(lock, signals.token(), std::max<std::chrono::milliseconds>(interval, k_shortest),
                   [] { return false; });
    if (signals.token().stop_requested()) {
      break;
    }
  }
  return {};
}

// What a page shows of a recorded run, as the live page gets it from an agent.
io::Json page_data(const app::RunRecord& run) {
  return io::JsonObject{{"started_ms", run.started_ms},
                        {"at_ms", run.ended_ms},
                        {"ended_ms", run.ended_ms},
                        {"figures", report::to_json(run.figures)},
                        {"activity", report::to_json(run.activity)}};
}

Result<void> show_recorded(const Options& options) {
  AGENT_TRY(const auto run, recorded_run(options.store, options.run.empty() ? "1" : options.run));
  if (options.page.empty()) {
    fmt::print("{}", report::live_screen(report::moments_of(run.figures, run.activity.timeline),
                                         columns_of_screen()));
    return {};
  }
  return io::write_file(io::fs::absolute(options.page), pages::recorded_page(page_data(run)));
}

int run_command(const Options& options) {
  const bool recorded = !options.run.empty() || !options.page.empty();
  const auto done = recorded ? show_recorded(options) : run_top(options);
  return done ? k_ok : report_error(done.error());
}

}  // namespace

Command add_top(CLI::App& program) {
  auto* const command =
      program.add_subcommand("top", "what a running agent does, as it happens, or a recorded run did");
  const auto options = std::make_shared<Options>();
  command->add_option("--control", options->control, "the agent's control socket");
  command->add_option("--interval", options->interval, "between two looks, at least 100ms")
      ->capture_default_str();
  command->add_option("--count", options->count,
                      "ends after so many looks; default: with the agent, or Ctrl-C");
  command->add_option("--run", options->run,
                      "a recorded run instead: its id, or counted from the end; 1 is the last");
  command->add_option("--page", options->page,
                      "write the recorded run (default: the last) as a page to this file");
  command->add_option("--store", options->store, "store that has the runs on record")->capture_default_str();
  command->footer(
      "Example:\n  hearth top --control /tmp/hearth.sock\n  hearth top --run 1\n  hearth top --page "
      "run.html");
  return {command, [options] { return run_command(*options); }};
}

}  // namespace agent::cli
