#include "agent/launcher/run.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <span>
#include <string_view>

#include "agent/launcher/client.hpp"
#include "agent/launcher/config.hpp"
#include "agent/launcher/environment.hpp"
#include "agent/launcher/fallback.hpp"
#include "agent/launcher/named_output.hpp"
#include "agent/launcher/record.hpp"
#include "agent/launcher/search.hpp"
#include "agent/launcher/server.hpp"
#include "agent/launcher/sys.hpp"
#include "agent/launcher/text.hpp"

namespace agent::launcher {
namespace {

constexpr std::size_t k_first_memory = std::size_t{64} * 1024;
constexpr std::size_t k_longest_path = 4096;
constexpr int k_failed_exit = 2;  // the real client's, for everything that went wrong
constexpr CString k_name("sccache");

// One invocation and what it knows.
struct Call {
  std::span<char* const> arguments;
  char* const* environment;
  Arena& memory;
  CString self;  // our own path

  const char* variable(std::string_view name) const { return find_variable(environment, name); }
};

struct Compilation {
  CString compiler;  // a path
  std::string_view working_directory;
  std::span<char* const> arguments;
};

int complain(std::string_view message) {
  Line line;
  write_all(STDERR_FILENO, line.add("sccache: error: ").add(message).add("\n").view());
  return k_failed_exit;
}

std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path
                                         : std::string_view(path.data() + slash + 1, path.size() - slash - 1);
}

CString own_path(Arena& memory) {
  const std::span<char> place = memory.take(k_longest_path);
  const long size = place.empty() ? -ENOMEM : sys::read_link("/proc/self/exe", place.first(place.size() - 1));
  if (size <= 0) {
    return {};
  }
  place[static_cast<std::size_t>(size)] = '\0';
  return {place.data(), static_cast<std::size_t>(size)};
}

std::optional<Config> load_config(CString self, Arena& memory) {
  const std::string_view folder(self.c_str(), self.size() - base_name(self).size());
  const CString path = memory.join(std::array{folder, k_config_file});
  const long fd = path.empty() ? -ENOMEM : sys::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return std::nullopt;
  }
  constexpr std::size_t k_usual = 4096;
  std::span<char> text = memory.take(k_usual);
  long size = sys::read(static_cast<int>(fd), text);
  if (size == static_cast<long>(text.size())) {
    text = memory.take(k_max_config_bytes);
    size = sys::read_at(static_cast<int>(fd), text, 0);
  }
  // Left to the process's end, or to the next program: every call saved is saved per compilation.
  const bool whole = size >= 0 && size < static_cast<long>(text.size());
  return whole ? parse_config(text.first(static_cast<std::size_t>(size) + 1)) : std::nullopt;
}

// Becomes `program` under the name `name` with these arguments; returns only if that failed.
void become(CString program, CString name, std::span<char* const> arguments, const Call& call,
            char* const* environment) {
  const std::span<char*> list = call.memory.take_array<char*>(arguments.size() + 3);
  if (list.empty()) {
    return;
  }
  // The first place is for a shell, which runs scripts without an interpreter line, as execvp() would.
  list[1] = name.entry();
  *std::ranges::copy(arguments, list.begin() + 2).out = nullptr;
  if (sys::execute(program.c_str(), &list[1], environment) == -ENOEXEC) {
    constexpr CString k_shell("/bin/sh");
    list[0] = k_shell.entry();
    list[1] = program.entry();
    sys::execute(k_shell.c_str(), list.data(), environment);
  }
}

int run_compiler(const Call& call, const Compilation& work) {
  become(work.compiler, work.compiler, work.arguments, call, call.environment);
  return complain("failed to execute compile\nsccache: caused by: failed to run the compiler");
}

int run_real(const Call& call, const Config& config, std::span<char* const> arguments) {
  char* const* variables = real_environment(Role::client, config, terminated(call.environment), call.memory);
  if (variables != nullptr) {
    become(config.real, k_name, arguments, call, variables);  // by another name it would be a compiler
  }
  return complain("the real sccache cannot be run");
}

CString find_compiler(const Call& call, std::string_view name, std::string_view working_directory,
                      const Config* config) {
  const std::array<const char*, 2> ourselves = {call.self.c_str(),
                                                config == nullptr ? call.self.c_str() : config->real.c_str()};
  const Search search{.path_variable = call.variable("PATH"),
                      .home = call.variable("HOME"),
                      .working_directory = working_directory,
                      .ourselves = std::span(ourselves).first(config == nullptr ? 1 : 2)};
  return find_program(name, search, call.memory);
}

// sccache refuses incremental compilation with an error; we leave such a compilation uncached.
bool is_incremental(const Call& call) {
  constexpr std::array<std::string_view, 2> k_switches = {"CARGO_BUILD_INCREMENTAL", "CARGO_INCREMENTAL"};
  return std::ranges::any_of(k_switches, [&call](std::string_view name) {
    const char* value = call.variable(name);
    return value != nullptr && std::string_view(value) == "1";
  });
}

int compile_by_protocol(const Call& call, const Config& config, const Compilation& work) {
  const Connection server = connect_or_start(config, terminated(call.environment), call.memory);
  if (!server.open()) {
    if (server.reason == "connect-failed") {  // so many wait for it that the kernel takes no more
      end_hung(config);
    }
    report_fallback(config, server.reason);
    return run_compiler(call, work);
  }
  const char* terminal = call.variable("TERM");
  Watch watch(config);
  const Outcome outcome = compile_on_server(
      server.fd,
      {.compiler = work.compiler,
       .working_directory = work.working_directory,
       .arguments = work.arguments,
       .environment = terminated(call.environment)},
      {.dumb = terminal != nullptr && std::string_view(terminal) == "dumb"}, watch, call.memory);
  if (outcome.kind == Outcome::Kind::finished) {
    return outcome.exit_code;
  }
  if (outcome.kind == Outcome::Kind::failed) {
    if (outcome.reason == "server-hung" || outcome.reason == "send-failed") {
      end_hung(config);
    } else {
      end_orphans(config);
    }
    report_fallback(config, outcome.reason);
  }
  return run_compiler(call, work);
}

int compile_by_client(const Call& call, const Config& config, const Compilation& work) {
  const Connection server = connect_or_start(config, terminated(call.environment), call.memory);
  if (!server.open()) {
    report_fallback(config, server.reason);
    return run_compiler(call, work);
  }
  sys::close(server.fd);
  const std::span<char*> arguments = call.memory.take_array<char*>(work.arguments.size() + 1);
  if (arguments.empty()) {
    return run_compiler(call, work);
  }
  arguments[0] = work.compiler.entry();
  std::ranges::copy(work.arguments, arguments.begin() + 1);
  return run_real(call, config, arguments);
}

int compile(const Call& call, const Config* config, std::string_view name, std::span<char* const> arguments) {
  const std::span<char> place = call.memory.take(k_longest_path);
  const long size = sys::working_directory(place);
  const std::string_view working_directory =
      size > 1 && place[0] == '/' ? std::string_view(place.data(), static_cast<std::size_t>(size) - 1) : "";
  const CString compiler = find_compiler(call, name, working_directory, config);
  if (compiler.empty()) {
    return complain("failed to execute compile\nsccache: caused by: cannot find binary path");
  }
  const Compilation work{
      .compiler = compiler, .working_directory = working_directory, .arguments = arguments};
  if (config == nullptr) {
    return run_compiler(call, work);
  }
  if (working_directory.empty() || is_incremental(call)) {
    report_fallback(*config, working_directory.empty() ? "working-directory" : "incremental");
    return run_compiler(call, work);
  }
  note_inputs(*config, working_directory, named_output(arguments), call.memory);
  return config->protocol == Protocol::v0_16 ? compile_by_protocol(call, *config, work)
                                             : compile_by_client(call, *config, work);
}

// The real --start-server would put a running server's socket aside and orphan it.
int start_server_only(const Call& call, const Config& config) {
  write_all(STDOUT_FILENO, "sccache: Starting the server...\n");
  const Connection server = connect_or_start(config, terminated(call.environment), call.memory);
  if (!server.open()) {
    Line line;
    return complain(line.add("Server startup failed: ").add(server.reason).view());
  }
  Line line;
  write_all(STDOUT_FILENO, line.add("sccache: Listening on address ").add(config.socket).add("\n").view());
  return 0;
}

bool has_flag(std::span<char* const> arguments, std::string_view flag) {
  return std::ranges::any_of(arguments,
                             [flag](const char* argument) { return std::string_view(argument) == flag; });
}

int manage(const Call& call, const Config& config) {
  const std::span<char* const> arguments = call.arguments.subspan(1);
  if (has_flag(arguments, "--start-server")) {
    return start_server_only(call, config);
  }
  if (has_flag(arguments, "--stop-server")) {
    remember_stop(config);
  } else if (has_flag(arguments, "--zero-stats") || has_flag(arguments, "-z") ||
             has_flag(arguments, "--dist-status")) {
    // These start a server where none runs; it has to be ours.
    const Connection server = connect_or_start(config, terminated(call.environment), call.memory);
    if (server.open()) {
      sys::close(server.fd);
    }
  }
  return run_real(call, config, arguments);
}

// Another sccache on PATH, for a launcher whose configuration is gone.
int run_any_sccache(const Call& call) {
  const CString other = find_compiler(call, k_name, "", nullptr);
  if (!other.empty()) {
    become(other, k_name, call.arguments.subspan(1), call, call.environment);
  }
  return complain("no usable launcher.conf beside the launcher, and no other sccache on PATH");
}

bool called_by_own_name(std::string_view name) {
  return name == std::string_view(k_name) || name == "sccache-launcher" || name.empty();
}

}  // namespace

int run(char* const* arguments, char* const* environment) {
  // Not zeroed: most of it is never touched.
  std::array<char, k_first_memory> first;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  Arena memory(first);
  const CString self = own_path(memory);
  const Call call{
      .arguments = terminated(arguments), .environment = environment, .memory = memory, .self = self};
  const auto config = self.empty() ? std::nullopt : load_config(self, memory);
  const Config* known = config ? &*config : nullptr;

  const std::string_view name =
      call.arguments.empty() ? std::string_view{} : base_name(call.arguments.front());
  const char* internal = call.variable("SCCACHE_START_SERVER");
  const bool starts_server = internal != nullptr && std::string_view(internal) == "1";
  if (!starts_server && !called_by_own_name(name)) {
    return compile(call, known, name, call.arguments.subspan(1));
  }
  const bool compiles =
      call.arguments.size() > 1 && call.arguments[1][0] != '-' && call.arguments[1][0] != '\0';
  if (!starts_server && compiles) {
    return compile(call, known, call.arguments[1], call.arguments.subspan(2));
  }
  if (known == nullptr) {
    return run_any_sccache(call);
  }
  return call.arguments.empty() || starts_server ? run_real(call, *known, {}) : manage(call, *known);
}

}  // namespace agent::launcher
