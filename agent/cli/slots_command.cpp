// hearth slots N -- CMD…: runs a command when one of N slots of this host is free, and is the jobserver of
// what it starts, so that all such commands together never run more than N jobs.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "agent/cli/command.hpp"
#include "agent/cli/signals.hpp"
#include "agent/core/text.hpp"
#include "agent/io/host.hpp"
#include "agent/io/private_folder.hpp"
#include "agent/io/process.hpp"
#include "agent/slots/jobserver.hpp"
#include "agent/slots/makeflags.hpp"
#include "agent/slots/pool.hpp"

namespace agent::cli {

namespace {

using namespace std::chrono_literals;

constexpr auto k_look = 20ms;
constexpr auto k_tell = 10s;  // how often a waiting command says so
// What a command is told of the slot that it runs in: the pool's folder.
constexpr const char* k_pool_variable = "HEARTH_SLOTS";
constexpr slots::Descriptors k_descriptors{.read = 8, .write = 9};

struct Options {
  unsigned count = 0;
  std::string folder;
  std::string ram;
  double max_pressure = 0;
  bool no_jobserver = false;
  bool quiet = false;
  std::vector<std::string> command;
};

struct Limits {
  std::uint64_t free_bytes = 0;  // what a slot needs
  double pressure_percent = 0;   // 0: not looked at
};

bool host_has_room(const Limits& limits) {
  if (limits.free_bytes > 0) {
    const auto memory = io::host_memory();
    if (memory && memory->available_bytes < limits.free_bytes) {
      return false;
    }
  }
  const auto pressure = limits.pressure_percent > 0 ? io::memory_pressure() : std::nullopt;
  return !pressure || pressure->some_percent <= limits.pressure_percent;
}

// Who waits for a slot of the command itself. While the host has no room for it, it is not in the queue, so
// that others pass; but when nobody runs it goes on whatever the memory says: otherwise nothing ever would.
class Waiter final {
public:
  Waiter(const slots::Pool& pool, const Limits& limits) : pool_(&pool), limits_(limits) {}

  // A slot, if it is our turn.
  Result<std::optional<slots::Slot>> look() {
    AGENT_TRY(const bool may, may_run());
    if (!may) {
      ticket_.reset();
      return std::nullopt;
    }
    if (!ticket_) {
      AGENT_TRY(auto ticket, pool_->queue_up());
      ticket_.emplace(std::move(ticket));
    }
    AGENT_TRY(const bool first, pool_->is_first(*ticket_));
    if (!first) {
      return std::nullopt;
    }
    // Who was first until now may have taken the room.
    AGENT_TRY(const bool still, may_run());
    return still ? pool_->try_take() : std::nullopt;
  }

  bool lacks_room() const { return lacks_room_; }

private:
  Result<bool> may_run() {
    lacks_room_ = !host_has_room(limits_);
    if (!lacks_room_) {
      return true;
    }
    AGENT_TRY(const auto running, pool_->taken());
    return running == 0;
  }

  const slots::Pool* pool_;
  Limits limits_;
  std::optional<slots::Ticket> ticket_;
  bool lacks_room_ = false;
};

// Errors: cancelled.
Result<slots::Slot> wait_for_slot(const slots::Pool& pool, const Options& options, const Limits& limits,
                                  const std::stop_token& stop) {
  Waiter waiter(pool, limits);
  auto told = std::chrono::steady_clock::now() - k_tell + 1s;
  while (!stop.stop_requested()) {
    AGENT_TRY(auto slot, waiter.look());
    if (slot) {
      return *std::move(slot);
    }
    const auto now = std::chrono::steady_clock::now();
    if (!options.quiet && now - told >= k_tell) {
      told = now;
      fmt::print(stderr, "hearth: waiting for one of {} slots{}\n", options.count,
                 waiter.lacks_room() ? "; this host is short of memory" : "");
    }
    std::this_thread::sleep_for(k_look);
  }
  return fail(Errc::cancelled, "slots: interrupted while waiting");
}

// The command opens the FIFOs itself, since a child inherits no descriptor of ours.
io::Command with_jobserver(const std::vector<std::string>& arguments, const io::fs::path& folder) {
  io::Command command{.arguments = {"/bin/sh", "-c",
                                    fmt::format(R"(exec {}<>"$0/{}" {}<>"$0/{}" && exec "$@")",
                                                k_descriptors.read, slots::Jobserver::k_tokens,
                                                k_descriptors.write, slots::Jobserver::k_returned),
                                    folder.string()}};
  command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
  for (const auto* name : {"MAKEFLAGS", "CARGO_MAKEFLAGS"}) {
    io::set_variable(command.environment, name,
                     slots::with_jobserver(io::environment_value(name), k_descriptors));
  }
  return command;
}

// Waiting for a slot of the pool that it has one of itself, a command could wait for its own end.
bool runs_in_slot_of(const io::fs::path& place) {
  std::error_code none_there;
  const auto outer = io::environment_value(k_pool_variable);
  return !outer.empty() && io::fs::equivalent(outer, place, none_there);
}

int wait_for(const io::Child& child, const Signals& signals) {
  const std::stop_callback forward(signals.token(), [&] { child.signal(SIGTERM); });
  return child.wait();
}

Result<int> run_slots(const Options& options) {
  const Signals signals;
  Limits limits{.free_bytes = 0, .pressure_percent = options.max_pressure};
  if (!options.ram.empty()) {
    AGENT_TRY(limits.free_bytes, parse_size(options.ram, "--ram"));
  }
  AGENT_TRY(const auto place, options.folder.empty() ? slots::own_folder() : io::fs::path(options.folder));
  AGENT_TRY(const auto pool, slots::Pool::open(place, options.count));
  if (runs_in_slot_of(place)) {
    AGENT_TRY(const auto child, io::Child::start_bound({.arguments = options.command}));
    return wait_for(child, signals);
  }
  AGENT_TRY(const auto own, wait_for_slot(pool, options, limits, signals.token()));
  AGENT_TRY(const auto folder, io::PrivateFolder::make());
  AGENT_TRY(auto jobserver,
            slots::Jobserver::open(folder.path(), pool, [&] { return host_has_room(limits); }));
  auto command = options.no_jobserver ? io::Command{.arguments = options.command}
                                      : with_jobserver(options.command, folder.path());
  io::set_variable(command.environment, k_pool_variable, io::fs::absolute(place).string());
  // A build that went on without us would go on with slots that are no longer its own.
  AGENT_TRY(const auto child, io::Child::start_bound(command));
  const std::jthread tending([&](const std::stop_token& ended) {
    while (!ended.stop_requested() && !options.no_jobserver) {
      if (const auto tended = jobserver.tend(); !tended) {
        fmt::print(stderr, "hearth: warning: {}; the command gets no further slots\n",
                   tended.error().message);
        return;
      }
      jobserver.wait(k_look);
    }
  });
  return wait_for(child, signals);
}

int run_command(const Options& options) {
  const auto code = run_slots(options);
  return code ? *code : report_error(code.error());
}

}  // namespace

Command add_slots(CLI::App& program) {
  auto* const command =
      program.add_subcommand("slots", "runs a command when one of N slots of this host is free");
  const auto options = std::make_shared<Options>();
  auto& o = *options;
  constexpr unsigned k_most = 4096;
  constexpr double k_all = 100;
  command
      ->add_option("count", o.count, "jobs that may run at once on this host, of all such commands together")
      ->required()
      ->check(CLI::Range(1U, k_most));
  command->add_option("command", o.command, "the command and its arguments, after --")->required();
  command->add_option("--folder", o.folder, "where the slots are; commands that share it share them");
  command->add_option("--ram", o.ram,
                      "memory that must be available before another slot is taken, such as 2GiB");
  command
      ->add_option(
          "--max-pressure", o.max_pressure,
          "no further slot while more than this percent of the last 10 s went into waiting for memory")
      ->check(CLI::Range(0.0, k_all));
  command->add_flag("--no-jobserver", o.no_jobserver,
                    "one slot for the whole command; what it starts is not counted");
  command->add_flag("--quiet", o.quiet, "does not say that it waits");
  command->footer(
      "Example:\n  hearth slots 8 -- cargo build --release\n  hearth slots 8 --ram 2GiB -- make   # make -j "
      "by itself");
  return {command, [options] { return run_command(*options); }};
}

}  // namespace agent::cli
