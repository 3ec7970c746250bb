#include "agent/launcher/server.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <optional>

#include "agent/launcher/activity.hpp"
#include "agent/launcher/environment.hpp"
#include "agent/launcher/record.hpp"
#include "agent/launcher/sys.hpp"

namespace agent::launcher {
namespace {

constexpr std::int64_t k_start_deadline_ms = 10'000;  // the real client's own, SERVER_STARTUP_TIMEOUT
constexpr std::int64_t k_lock_deadline_ms = 30'000;
constexpr long k_lock_poll_ms = 10;
constexpr int k_orphan_tries = 20;
constexpr long k_death_ms = 50;  // its connections close before the process is gone
constexpr long k_answer_poll_ms = 5;
constexpr long k_idle_ms = 1000;
constexpr unsigned k_log_mode = 0600;
constexpr timeval k_send_deadline{.tv_sec = 10, .tv_usec = 0};

// The result of connecting: a descriptor, or -errno.
long connect_socket(std::string_view path) {
  const long fd = sys::socket(AF_UNIX, 0);
  if (fd < 0) {
    return fd;
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::ranges::copy(path, std::begin(address.sun_path));
  // Bounds connecting, which waits when the server's backlog is full, and sending.
  const std::span deadline(reinterpret_cast<const char*>(&k_send_deadline), sizeof(k_send_deadline));
  sys::set_option(static_cast<int>(fd), SOL_SOCKET, SO_SNDTIMEO, deadline);
  const auto size = static_cast<unsigned>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  const long connected = sys::connect(static_cast<int>(fd), &address, size);
  if (connected < 0) {
    sys::close(static_cast<int>(fd));
    return connected;
  }
  return fd;
}

bool nobody_listens(long error) {
  return error == -ENOENT || error == -ECONNREFUSED;
}

Connection refused(std::string_view reason) {
  return {.fd = -1, .reason = reason};
}

// True if the process ended within the time; a zombie has ended (in containers often nobody reaps it).
bool ended_within(long process, long milliseconds) {
  const long handle = sys::process_handle(process);
  if (handle >= 0) {
    const bool ended = sys::wait_for(static_cast<int>(handle), POLLIN, milliseconds) > 0;
    sys::close(static_cast<int>(handle));
    return ended;
  }
  if (handle == -ESRCH) {
    return true;
  }
  sys::sleep(milliseconds);  // a kernel before 5.3, or a sandbox, has no process handles
  return sys::signal_process(process, 0) == -ESRCH;
}

std::uint64_t process_space() {
  struct stat space{};
  return sys::status("/proc/self/ns/pid", space) < 0 ? 0 : space.st_ino;
}

bool runs(std::int64_t process, CString program) {
  Line link;
  link.add("/proc/").add(process).add("/exe");
  struct stat running{};
  struct stat wanted{};
  return sys::status(link.c_string().c_str(), running) == 0 && sys::status(program.c_str(), wanted) == 0 &&
         running.st_ino == wanted.st_ino && running.st_dev == wanted.st_dev;
}

// The last server's process, if its number means anything to us; else 0.
std::int64_t last_server(const Record& record) {
  const bool ours = record.process_space != 0 && record.process_space == process_space();
  return ours && record.server_process > 1 ? record.server_process : 0;
}

// Ends what the last server left behind: itself, if it lost its socket, or else its compilers. They share its
// process group, and would write the same files as the compilations that replace them, at the same time. A
// process that merely got its number since is left alone.
void end_remains(const Config& config, const Record& record) {
  const std::int64_t process = last_server(record);
  if (process != 0 && (ended_within(process, 0) || runs(process, config.real))) {
    sys::signal_process(-process, SIGKILL);
  }
}

struct Program {
  const Config& config;
  char* const* environment;
};

// Never returns: the process becomes the server, or ends.
[[noreturn]] void become_server(const Program& program) {
  const char* log = program.config.log.empty() ? "/dev/null" : program.config.log.c_str();
  sys::new_session();
  // The server outlives the build: it must hold none of its pipes, job slots or locks.
  sys::close_from(0);
  sys::open("/dev/null", O_RDONLY);
  if (sys::open(log, O_WRONLY | O_CREAT | O_APPEND, k_log_mode) < 0) {
    sys::open("/dev/null", O_WRONLY);
  }
  sys::duplicate(STDOUT_FILENO, STDERR_FILENO);
  sys::change_directory("/");
  constexpr CString k_name("sccache");  // by another name it takes itself for a compiler
  const std::array<char*, 2> arguments = {k_name.entry(), nullptr};
  sys::execute(program.config.real.c_str(), arguments.data(), program.environment);
  sys::exit(127);
}

// Starts the server as nobody's child: this process may become a compiler, which must not find a stranger
// among its children. Its process id, or nothing.
std::optional<long> spawn_server(const Program& program) {
  std::array<int, 2> ends{};
  if (sys::pipe(ends) < 0) {
    return std::nullopt;
  }
  const auto [from, to] = ends;
  const long child = sys::fork();
  if (child == 0) {
    const long server = sys::fork();
    if (server == 0) {
      become_server(program);
    }
    sys::write(to, std::string_view(reinterpret_cast<const char*>(&server), sizeof(server)));
    sys::exit(0);
  }
  sys::close(to);
  long server = 0;
  const long got = sys::read(from, std::span(reinterpret_cast<char*>(&server), sizeof(server)));
  sys::close(from);
  if (child > 0) {
    sys::wait_child(child);
  }
  return got == static_cast<long>(sizeof(server)) && server > 0 ? std::optional(server) : std::nullopt;
}

// Waits until the new server answers. On failure the reason is the detail of the event `server-start-failed`.
Connection await_answer(const Config& config, long process) {
  const std::int64_t deadline = sys::monotonic_ms() + k_start_deadline_ms;
  Connection connection = refused("start-timeout");
  while (sys::monotonic_ms() < deadline) {
    const long fd = connect_socket(config.socket);
    if (fd >= 0) {
      connection.fd = static_cast<int>(fd);
      break;
    }
    if (ended_within(process, k_answer_poll_ms)) {
      connection.reason = "exited";
      break;
    }
  }
  if (!connection.open()) {
    sys::signal_process(process, SIGKILL);
  }
  return connection;
}

void remember_start(Record& record, long process) {
  const bool planned = record.stopped != 0;
  record.starts += planned && record.starts > 0 ? 0 : 1;
  record.stopped = 0;
  record.failed_starts = 0;
  record.unreachable = 0;
  record.server_process = process;
  record.process_space = process_space();
  record.retry_at_ms = sys::monotonic_ms() + backoff_ms(record.starts - 1);
}

Connection start_server(const Config& config, Record& record, char* const* environment) {
  end_remains(config, record);
  const std::int64_t begin = sys::monotonic_ms();
  const bool first = record.starts == 0 || record.stopped != 0;
  const auto process = spawn_server({.config = config, .environment = environment});
  const Connection connection = process ? await_answer(config, *process) : refused("spawn");
  if (connection.open()) {
    remember_start(record, *process);
    note_event(config, first ? "started" : "restarted", sys::monotonic_ms() - begin);
    return connection;
  }
  ++record.failed_starts;
  record.retry_at_ms = sys::monotonic_ms() + backoff_ms(record.failed_starts);
  note_event(config, "start-failed", connection.reason);
  return refused("server-start-failed");
}

// By the holder of the lock: what happened while it waited for it comes first.
Connection start_if_sensible(const Config& config, Record& record, std::span<char* const> environment,
                             Arena& arena) {
  const long fd = connect_socket(config.socket);
  if (fd >= 0) {
    return {.fd = static_cast<int>(fd), .reason = {}};
  }
  if (record.starts > k_max_restarts || record.failed_starts >= k_max_failed_starts) {
    return refused("restarts-exhausted");
  }
  if (sys::monotonic_ms() < record.retry_at_ms) {
    return refused("backing-off");
  }
  if (!config.agent.empty() && !agent_is_healthy(config.agent)) {
    ++record.unreachable;
    record.retry_at_ms = sys::monotonic_ms() + backoff_ms(record.unreachable);
    note_event(config, "agent-unreachable");
    return refused("agent-unreachable");
  }
  char* const* variables = real_environment(Role::server, config, environment, arena);
  return variables == nullptr ? refused("out-of-memory") : start_server(config, record, variables);
}

bool does_nothing(std::int64_t process) {
  const auto before = activity_of(process);
  if (before.size == 0 || before.stopped()) {
    return before.size > 0;
  }
  sys::sleep(k_idle_ms);
  const auto after = activity_of(process);
  return after == before;
}

}  // namespace

std::int64_t running_server(const Config& config) {
  long error = 0;
  const auto record = LockedRecord::try_take(config, error);
  const std::int64_t process = record ? last_server(**record) : 0;
  return process != 0 && runs(process, config.real) ? process : 0;
}

void end_hung(const Config& config) {
  for (int attempt = 0; attempt < k_orphan_tries; ++attempt) {
    long error = 0;
    if (auto record = LockedRecord::try_take(config, error)) {
      const std::int64_t process = last_server(**record);
      if (process != 0 && runs(process, config.real) && does_nothing(process)) {
        sys::signal_process(-process, SIGKILL);
        note_event(config, "ended-hung");
        ended_within(process, k_lock_deadline_ms);
      }
      return;
    }
    sys::sleep(error == 0 ? k_lock_poll_ms : 0);
  }
}

void end_orphans(const Config& config) {
  for (int attempt = 0; attempt < k_orphan_tries; ++attempt) {
    long error = 0;
    if (auto record = LockedRecord::try_take(config, error)) {
      const std::int64_t process = last_server(**record);
      if (process != 0 && ended_within(process, k_death_ms)) {
        sys::signal_process(-process, SIGKILL);
      }
      return;
    }
    sys::sleep(error == 0 ? k_lock_poll_ms : 0);
  }
}

Connection connect_or_start(const Config& config, std::span<char* const> environment, Arena& arena) {
  std::int64_t deadline = 0;  // the clock is read only where nobody listens
  while (true) {
    const long fd = connect_socket(config.socket);
    if (fd >= 0) {
      return {.fd = static_cast<int>(fd), .reason = {}};
    }
    if (!nobody_listens(fd)) {
      return refused("connect-failed");
    }
    long error = 0;
    if (auto record = LockedRecord::try_take(config, error)) {
      const Connection connection = start_if_sensible(config, **record, environment, arena);
      record->save();
      return connection;
    }
    const std::int64_t now = sys::monotonic_ms();
    deadline = deadline == 0 ? now + k_lock_deadline_ms : deadline;
    if (error != 0 || now > deadline) {
      return refused("lock-unavailable");
    }
    sys::sleep(k_lock_poll_ms);
  }
}

}  // namespace agent::launcher
