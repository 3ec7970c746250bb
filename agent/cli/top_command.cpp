// hearth top: what a running agent does, as it happens.
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>

#include "agent/cli/command.hpp"
#include "agent/cli/control_client.hpp"
#include "agent/cli/signals.hpp"
#include "agent/core/text.hpp"
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
};

std::size_t columns_of_screen() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : k_usual_columns;
}

void show(const report::Moments& moments, bool screen) {
  if (screen) {
    // Home, then what is new over what was, then nothing below it: clearing first would flicker.
    fmt::print("\x1b[H{}\x1b[J", report::live_screen(moments, columns_of_screen()));
  } else {
    fmt::print("{}", report::live_line(moments));
  }
  std::fflush(stdout);
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
    show(moments, screen);
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

int run_command(const Options& options) {
  const auto done = run_top(options);
  return done ? k_ok : report_error(done.error());
}

}  // namespace

Command add_top(CLI::App& program) {
  auto* const command = program.add_subcommand("top", "what a running agent does, as it happens");
  const auto options = std::make_shared<Options>();
  command->add_option("--control", options->control, "the agent's control socket");
  command->add_option("--interval", options->interval, "between two looks, at least 100ms")
      ->capture_default_str();
  command->add_option("--count", options->count,
                      "ends after so many looks; default: with the agent, or Ctrl-C");
  command->footer("Example:\n  hearth top --control /tmp/hearth.sock");
  return {command, [options] { return run_command(*options); }};
}

}  // namespace agent::cli
