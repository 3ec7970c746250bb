// Child processes. A Child is owned by one thread at a time. No shell is ever involved.
// Errors: not_found where there is no such program, denied where it may not run; io; cancelled at a deadline.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/file.hpp"

namespace agent::io {

// Variables as NAME=VALUE pairs in order; the last of a name wins.
using Environment = std::vector<std::pair<std::string, std::string>>;

// This process's own environment.
Environment current_environment();

// One variable of this process; empty where it is unset or empty.
std::string environment_value(const char* name);

// One variable of a list; empty where it is not in there.
std::string variable_in(const Environment& environment, std::string_view name);

// Replaces or adds.
void set_variable(Environment& environment, std::string_view name, std::string_view value);
void unset_variable(Environment& environment, std::string_view name);

struct Command {
  std::vector<std::string> arguments;  // arguments[0] is looked up on PATH of `environment`
  Environment environment = current_environment();
  fs::path folder;  // empty: this process's own
  enum class Output : std::uint8_t { inherited, captured, discarded } output = Output::inherited;
  std::size_t output_limit = std::size_t{4} * 1024 * 1024;  // captured beyond it: read and dropped
};

struct Exit {
  int code = 0;        // exit code, or 128 + the signal's number as shells count it
  std::string output;  // standard output, when captured
  std::string errors;  // standard error, when captured
};

// Where `name` is on the PATH of `environment`; a name with a slash is taken as it is.
std::optional<fs::path> find_program(std::string_view name, const Environment& environment);

// Runs to its end, or kills it (SIGKILL) at the deadline.
Result<Exit> run(const Command& command, std::chrono::milliseconds deadline);

// A started child, for those that signal it or wait later. The destructor does not kill: it must be waited
// for. `signal` may be called from any thread while another waits.
class Child final {
public:
  // `output` may not be captured.
  static Result<Child> start(const Command& command);

  // The same in this process's own folder, with its output; and the child gets SIGTERM when the thread that
  // started it ends, which the main thread does with its process, whatever kills it.
  static Result<Child> start_bound(const Command& command);
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)), handle_(std::move(other.handle_)) {}
  Child& operator=(Child&&) = delete;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() = default;

  pid_t pid() const { return pid_; }
  void signal(int number) const;

  // Blocks until it ends: its exit code, or 128 + signal.
  int wait() const;

private:
  Child(pid_t pid, Fd handle) : pid_(pid), handle_(std::move(handle)) {}
  pid_t pid_;
  Fd handle_;  // a pidfd: a signal cannot reach whoever has the number next
};

}  // namespace agent::io
