#include "agent/io/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include "agent/core/text.hpp"

namespace agent::io {

namespace {

using std::chrono::steady_clock;

int code_of(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return code_of(status);
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (auto& text : texts) {
    pointers.push_back(text.data());
  }
  pointers.push_back(nullptr);
  return pointers;
}

// posix_spawn's file actions, undone in the destructor.
class Actions final {
public:
  Actions() { ::posix_spawn_file_actions_init(&actions_); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  ~Actions() { ::posix_spawn_file_actions_destroy(&actions_); }
  void redirect(int from, int to) { ::posix_spawn_file_actions_adddup2(&actions_, from, to); }
  void discard(int number) {
    ::posix_spawn_file_actions_addopen(&actions_, number, "/dev/null", O_WRONLY, 0);
  }
  void enter(const fs::path& folder) { ::posix_spawn_file_actions_addchdir_np(&actions_, folder.c_str()); }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

private:
  posix_spawn_file_actions_t actions_{};
};

// Children start with no signal blocked and default handlers for those that servers like to change.
class Attributes final {
public:
  Attributes() {
    ::posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD}) {
      sigaddset(&defaults, number);
    }
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &defaults);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }
  const posix_spawnattr_t* get() const { return &attributes_; }

private:
  posix_spawnattr_t attributes_{};
};

Result<pid_t> spawn(const Command& command, Actions& actions) {
  if (command.arguments.empty()) {
    return fail(Errc::invalid, "run: no command given");
  }
  const auto program = find_program(command.arguments.front(), command.environment);
  if (!program) {
    return fail(Errc::not_found, "run {}: no such program on PATH", command.arguments.front());
  }
  if (!command.folder.empty()) {
    actions.enter(command.folder);
  }
  auto arguments = command.arguments;
  std::vector<std::string> variables;
  variables.reserve(command.environment.size());
  for (const auto& [name, value] : command.environment) {
    variables.push_back(name + "=" + value);
  }
  pid_t pid = -1;
  const Attributes attributes;
  const int error = ::posix_spawn(&pid, program->c_str(), actions.get(), attributes.get(),
                                  pointers_to(arguments).data(), pointers_to(variables).data());
  if (error != 0) {
    return fail_errno("run", program->string(), error);
  }
  return pid;
}

struct Pipe {
  Fd read;
  Fd write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return fail_errno("create", "pipe", errno);
  }
  return Pipe{.read = Fd(ends[0]), .write = Fd(ends[1])};
}

// Reads what is there; false at the end of the stream.
bool drain_once(int fd, std::string& into, std::size_t limit) {
  std::array<char, 16384> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled before use
  const auto count = ::read(fd, buffer.data(), buffer.size());
  if (count < 0) {
    return errno == EINTR || errno == EAGAIN;
  }
  const auto room = limit - std::min(limit, into.size());
  into.append(buffer.data(), std::min(room, static_cast<std::size_t>(count)));
  return count > 0;
}

// Collects both streams until both end or the deadline passes; false at the deadline.
bool collect(Pipe& out, Pipe& err, const Command& command, Exit& exit, steady_clock::time_point deadline) {
  std::array<pollfd, 2> waits = {pollfd{.fd = out.read.get(), .events = POLLIN, .revents = 0},
                                 pollfd{.fd = err.read.get(), .events = POLLIN, .revents = 0}};
  while (waits[0].fd >= 0 || waits[1].fd >= 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0) {
      return false;
    }
    if (::poll(waits.data(), waits.size(), static_cast<int>(std::min<std::int64_t>(left.count(), 60'000))) <
            0 &&
        errno != EINTR) {
      return false;
    }
    for (auto& wait : waits) {
      if (wait.fd >= 0 && wait.revents != 0 &&
          !drain_once(wait.fd, wait.fd == out.read.get() ? exit.output : exit.errors, command.output_limit)) {
        wait.fd = -1;
      }
      wait.revents = 0;
    }
  }
  return true;
}

// Waits for the end, or kills at the deadline; true if it ended by itself.
bool wait_until(pid_t pid, steady_clock::time_point deadline, int& code) {
  int status = 0;
  while (steady_clock::now() < deadline) {
    const auto ended = ::waitpid(pid, &status, WNOHANG);
    if (ended == pid) {
      code = code_of(status);
      return true;
    }
    ::poll(nullptr, 0, 5);
  }
  ::kill(pid, SIGKILL);
  code = wait_for(pid);
  return false;
}

}  // namespace

Environment current_environment() {
  Environment environment;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    const auto at = text.find('=');
    if (at != std::string_view::npos && at > 0) {
      environment.emplace_back(text.substr(0, at), text.substr(at + 1));
    }
  }
  return environment;
}

std::string environment_value(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

void unset_variable(Environment& environment, std::string_view name) {
  std::erase_if(environment, [&](const auto& variable) { return variable.first == name; });
}

void set_variable(Environment& environment, std::string_view name, std::string_view value) {
  unset_variable(environment, name);
  environment.emplace_back(name, value);
}

std::optional<fs::path> find_program(std::string_view name, const Environment& environment) {
  const auto executable = [](const fs::path& path) {
    std::error_code error;
    return ::access(path.c_str(), X_OK) == 0 && fs::is_regular_file(path, error);
  };
  if (name.find('/') != std::string_view::npos) {
    return executable(name) ? std::optional(fs::path(name)) : std::nullopt;
  }
  const auto path = std::find_if(environment.rbegin(), environment.rend(),
                                 [](const auto& variable) { return variable.first == "PATH"; });
  if (path == environment.rend()) {
    return std::nullopt;
  }
  for (const auto folder : split(path->second, ':')) {
    const auto candidate = fs::path(folder.empty() ? "." : folder) / name;
    if (executable(candidate)) {
      return candidate;
    }
  }
  return std::nullopt;
}

Result<Exit> run(const Command& command, std::chrono::milliseconds deadline) {
  const auto until = steady_clock::now() + deadline;
  const bool captured = command.output == Command::Output::captured;
  AGENT_TRY(auto out, make_pipe());
  AGENT_TRY(auto err, make_pipe());
  Actions actions;
  if (captured) {
    actions.redirect(out.write.get(), STDOUT_FILENO);
    actions.redirect(err.write.get(), STDERR_FILENO);
  } else if (command.output == Command::Output::discarded) {
    actions.discard(STDOUT_FILENO);
    actions.discard(STDERR_FILENO);
  }
  AGENT_TRY(const auto pid, spawn(command, actions));
  out.write.reset();
  err.write.reset();
  Exit exit;
  const bool collected = !captured || collect(out, err, command, exit, until);
  const auto limit = collected ? until : steady_clock::now();
  if (!wait_until(pid, limit, exit.code)) {
    return fail(Errc::cancelled, "run {}: not finished after {}", command.arguments.front(),
                human_duration(deadline));
  }
  return exit;
}

Result<Child> Child::start(const Command& command) {
  Actions actions;
  if (command.output == Command::Output::discarded) {
    actions.discard(STDOUT_FILENO);
    actions.discard(STDERR_FILENO);
  }
  AGENT_TRY(const auto pid, spawn(command, actions));
  return Child(pid);
}

void Child::signal(int number) const {
  if (pid_ > 0) {
    ::kill(pid_, number);
  }
}

int Child::wait() {
  return wait_for(std::exchange(pid_, -1));
}

}  // namespace agent::io
