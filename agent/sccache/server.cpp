#include "agent/sccache/server.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "agent/core/log.hpp"
#include "agent/core/text.hpp"
#include "agent/io/process.hpp"
#include "agent/sccache/install.hpp"

namespace agent::sccache {

namespace {

using std::chrono::steady_clock;

constexpr std::uint64_t k_state_limit = std::uint64_t{4} << 20U;

// A connection to the server's socket; invalid where nobody listens.
io::Fd connect_to(const io::fs::path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto& path = socket.native();
  if (path.size() >= sizeof address.sun_path) {
    return {};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  io::Fd connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!connection.valid() ||
      ::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return {};
  }
  return connection;
}

// The process that listens; 0 where it is not visible from this PID namespace.
pid_t process_behind(const io::Fd& connection) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return 0;
  }
  return peer.pid;
}

// Readable once the process has ended; invalid where it is not visible.
io::Fd handle_of(pid_t process) {
  return process > 0 ? io::Fd(static_cast<int>(::syscall(SYS_pidfd_open, process, 0))) : io::Fd();
}

// True once the process behind the handle has ended.
bool wait_for_end(const io::Fd& process, steady_clock::time_point deadline) {
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now());
    pollfd wait{.fd = process.get(), .events = POLLIN, .revents = 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (ready > 0) {
      return true;
    }
    if (ready == 0 || errno != EINTR) {
      return false;
    }
  }
}

}  // namespace

bool Server::running() const {
  return connect_to(paths_.socket).valid();
}

Result<std::string> Server::client(const char* option, std::chrono::milliseconds deadline) const {
  io::Command command{.arguments = {paths_.real.string(), option}};
  if (std::string_view(option) == "--show-stats") {
    command.arguments.emplace_back("--stats-format=json");
  }
  // The client reads the user's configuration file; only the socket matters here.
  command.environment = {
      {"SCCACHE_SERVER_UDS", paths_.socket.string()}, {"PATH", "/usr/bin:/bin"}, {"HOME", "/"}};
  command.output = io::Command::Output::captured;
  AGENT_TRY(auto exit, io::run(command, deadline));
  if (exit.code != 0) {
    return fail(Errc::not_found, "sccache {}: exit code {}: {}", option, exit.code, trimmed(exit.errors));
  }
  return std::move(exit.output);
}

Result<void> Server::take_snapshot(std::chrono::milliseconds deadline) {
  auto connection = connect_to(paths_.socket);
  if (!connection.valid()) {  // the client would print its own zeros
    return fail(Errc::not_found, "sccache: no server on {}", paths_.socket.string());
  }
  const auto process = process_behind(connection);
  connection.reset();
  AGENT_TRY(const auto output, client("--show-stats", deadline));
  AGENT_TRY(auto taken, parse_statistics(output));
  const bool replaced = std::exchange(process_, process) != process;
  // Where processes cannot be told apart: a new server counts from zero, and so does --zero-stats.
  const bool counts_anew = current_ && taken.compile_requests < current_->compile_requests;
  if (current_ && (replaced || counts_anew)) {
    if (earlier_) {
      earlier_->add(*current_);
    } else {
      earlier_ = *current_;
    }
  }
  current_ = std::move(taken);
  return {};
}

std::optional<Statistics> Server::statistics() const {
  if (!current_ || !earlier_) {
    return current_;
  }
  auto sum = *earlier_;
  sum.add(*current_);
  return sum;
}

LauncherEvents Server::events() const {
  LauncherEvents events;
  const auto text = io::read_file(paths_.state, k_state_limit);
  if (!text) {
    return events;  // nothing was started yet
  }
  for (const auto line : split(*text, '\n')) {
    const auto word = line.substr(0, line.find(' '));
    if (word == "started") {
      ++events.starts;
    } else if (word == "restarted") {
      ++events.restarts;
    } else if (word == "stopped") {
      ++events.stops;
    } else if (word == "fallback") {
      ++events.fallbacks[std::string(trimmed(line.substr(word.size())))];
    }
  }
  return events;
}

std::vector<LogLine> Server::log_lines() const {
  const auto text = io::read_tail(paths_.state.parent_path() / k_log, k_most_log_bytes);
  return text ? parse_server_log(*text) : std::vector<LogLine>{};
}

KeyInputs Server::key_inputs() const {
  const auto folder = paths_.state.parent_path();
  const auto text = io::read_tail(folder / k_log, k_max_key_log_bytes);
  const auto places = io::read_file(folder / k_inputs, k_max_place_bytes);
  KeyInputs inputs;
  if (text) {
    inputs.compilations = parse_key_log(*text);
    inputs.files = find_inputs(inputs.compilations, places ? *places : std::string_view{});
  }
  return inputs;
}

Result<void> Server::stop(std::chrono::milliseconds deadline) {
  const auto until = steady_clock::now() + deadline;
  auto connection = connect_to(paths_.socket);
  if (!connection.valid()) {
    return {};
  }
  const auto process = handle_of(process_behind(connection));
  connection.reset();  // a stopping server waits up to 10 s for open connections (seen with 0.16.0)
  // How the client fares says nothing: what counts is whether the server ends.
  [[maybe_unused]] const auto asked = client("--stop-server", deadline);
  if (!process.valid()) {  // in another PID namespace: the socket is all there is to see
    while (running()) {
      if (steady_clock::now() >= until) {
        return fail(Errc::cancelled, "sccache: its server did not stop within {}", human_duration(deadline));
      }
      ::poll(nullptr, 0, 20);
    }
    return {};
  }
  if (!wait_for_end(process, until)) {
    log::warn("sccache: server did not stop within {}, killing it", human_duration(deadline));
    ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
    wait_for_end(process, steady_clock::now() + std::chrono::seconds(2));
  }
  return {};
}

}  // namespace agent::sccache
