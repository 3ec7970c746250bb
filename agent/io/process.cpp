#include "agent/io/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <ranges>

#include "agent/core/text.hpp"

namespace agent::io {

namespace {

using std::chrono::steady_clock;

constexpr int k_cannot_run = 126;  // as shells say it

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

constexpr std::array k_signals_by_default = {SIGPIPE, SIGINT, SIGTERM, SIGCHLD};

// Children start with no signal blocked and default handlers for those that servers like to change; not for
// SIGHUP, which nohup(1) ignores for them too.
class Attributes final {
public:
  Attributes() {
    ::posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    for (const int number : k_signals_by_default) {
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

// What exec(3) asks for.
struct Image {
  fs::path program;
  std::vector<std::string> arguments;
  std::vector<std::string> variables;
};

Result<Image> image_of(const Command& command) {
  if (command.arguments.empty()) {
    return fail(Errc::invalid, "run: no command given");
  }
  const auto program = find_program(command.arguments.front(), command.environment);
  std::error_code error_of_name;
  if (!program && command.arguments.front().contains('/') &&
      fs::exists(command.arguments.front(), error_of_name)) {
    return fail(Errc::denied, "run {}: it is there, but is no program that this user may execute",
                command.arguments.front());
  }
  if (!program) {
    return fail(Errc::not_found, "run {}: no such program on PATH", command.arguments.front());
  }
  Image image{.program = *program, .arguments = command.arguments, .variables = {}};
  std::map<std::string_view, std::string_view> last;  // getenv(3) would find the first of a name
  for (const auto& [name, value] : command.environment) {
    last.insert_or_assign(name, value);
  }
  image.variables.reserve(last.size());
  for (const auto& [name, value] : last) {
    image.variables.push_back(fmt::format("{}={}", name, value));
  }
  return image;
}

Result<pid_t> spawn(const Command& command, Actions& actions) {
  AGENT_TRY(auto image, image_of(command));
  if (!command.folder.empty()) {
    actions.enter(command.folder);
  }
  pid_t pid = -1;
  const Attributes attributes;
  const int error = ::posix_spawn(&pid, image.program.c_str(), actions.get(), attributes.get(),
                                  pointers_to(image.arguments).data(), pointers_to(image.variables).data());
  if (error != 0) {
    return fail_errno("run", image.program.string(), error);
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

// In the forked child of a process with threads: only calls that are safe in a signal handler.
// Returns where exec failed.
void become(const char* program, char* const* arguments, char* const* variables, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) {
    ::raise(SIGKILL);  // it died before that
  }
  for (const int number : k_signals_by_default) {
    ::signal(number, SIG_DFL);
  }
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(program, arguments, variables);
}

// posix_spawn(3) cannot bind a child to its parent.
Result<pid_t> spawn_bound(const Command& command) {
  AGENT_TRY(auto image, image_of(command));
  const auto arguments = pointers_to(image.arguments);
  const auto variables = pointers_to(image.variables);
  AGENT_TRY(auto failure, make_pipe());  // closed by exec
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    return fail_errno("run", image.program.string(), errno);
  }
  if (pid == 0) {
    become(image.program.c_str(), arguments.data(), variables.data(), parent);
    const int error = errno;
    const bool told = ::write(failure.write.get(), &error, sizeof error) == sizeof error;
    ::_exit(told ? EXIT_FAILURE : k_cannot_run);
  }
  failure.write.reset();
  int error = 0;
  ssize_t got = -1;
  do {
    got = ::read(failure.read.get(), &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    wait_for(pid);
    return fail_errno("run", image.program.string(), error);
  }
  return pid;
}

// A pidfd, readable once the child has ended.
Fd handle_of(pid_t pid) {
  return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

// Where a child's captured output arrives; invalid descriptors where it is not captured.
struct Streams {
  Fd out;
  Fd err;
  std::size_t limit = 0;
};

// Milliseconds for poll(2), rounded up; 0 once the deadline has passed.
int left_until(steady_clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

// Waits for the child's end, collecting its output; false at the deadline. A daemon that the child left
// behind may hold the pipes open, so that after the child's end only what is already in them is read.
bool watch(const Fd& process, const Streams& streams, Exit& exit, steady_clock::time_point deadline) {
  std::array<pollfd, 3> waits = {pollfd{.fd = streams.out.get(), .events = POLLIN, .revents = 0},
                                 pollfd{.fd = streams.err.get(), .events = POLLIN, .revents = 0},
                                 pollfd{.fd = process.get(), .events = POLLIN, .revents = 0}};
  auto& [out, err, end] = waits;
  while (end.fd >= 0 || out.fd >= 0 || err.fd >= 0) {
    const bool ended = end.fd < 0;
    const int ready = ::poll(waits.data(), waits.size(), ended ? 0 : left_until(deadline));
    if (ready == 0 && (ended || steady_clock::now() >= deadline)) {
      return ended;
    }
    if (ready < 0 && errno != EINTR) {
      return false;
    }
    if (ready > 0 && out.revents != 0 && !drain_once(out.fd, exit.output, streams.limit)) {
      out.fd = -1;
    }
    if (ready > 0 && err.revents != 0 && !drain_once(err.fd, exit.errors, streams.limit)) {
      err.fd = -1;
    }
    if (ready > 0 && end.revents != 0) {
      end.fd = -1;
    }
    if (steady_clock::now() >= deadline) {
      return end.fd < 0;
    }
  }
  return true;
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

std::string variable_in(const Environment& environment, std::string_view name) {
  const auto found =
      std::ranges::find(environment | std::views::reverse, name, &Environment::value_type::first);
  return found != environment.rend() ? found->second : std::string();
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
  if (name.contains('/')) {
    return executable(name) ? std::optional(fs::path(name)) : std::nullopt;
  }
  const auto path = variable_in(environment, "PATH");
  for (const auto folder : split(path, ':')) {
    auto candidate = fs::path(folder.empty() ? "." : folder) / name;
    if (executable(candidate)) {
      return candidate;
    }
  }
  return std::nullopt;
}

Result<Exit> run(const Command& command, std::chrono::milliseconds deadline) {
  const auto until = steady_clock::now() + deadline;
  Actions actions;
  Streams streams{.limit = command.output_limit};
  Fd out;
  Fd err;
  if (command.output == Command::Output::captured) {
    AGENT_TRY(auto out_pipe, make_pipe());
    AGENT_TRY(auto err_pipe, make_pipe());
    actions.redirect(out_pipe.write.get(), STDOUT_FILENO);
    actions.redirect(err_pipe.write.get(), STDERR_FILENO);
    streams.out = std::move(out_pipe.read);
    streams.err = std::move(err_pipe.read);
    out = std::move(out_pipe.write);
    err = std::move(err_pipe.write);
  } else if (command.output == Command::Output::discarded) {
    actions.discard(STDOUT_FILENO);
    actions.discard(STDERR_FILENO);
  }
  AGENT_TRY(const auto pid, spawn(command, actions));
  out.reset();
  err.reset();
  const auto process = handle_of(pid);
  Exit exit;
  const bool ended = process.valid() && watch(process, streams, exit, until);
  if (!ended) {
    ::kill(pid, SIGKILL);
  }
  exit.code = wait_for(pid);
  if (!ended) {
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
  return Child(pid, handle_of(pid));
}

Result<Child> Child::start_bound(const Command& command) {
  AGENT_TRY(const auto pid, spawn_bound(command));
  return Child(pid, handle_of(pid));
}

void Child::signal(int number) const {
  ::syscall(SYS_pidfd_send_signal, handle_.get(), number, nullptr, 0);
}

int Child::wait() const {
  return wait_for(pid_);
}

}  // namespace agent::io
