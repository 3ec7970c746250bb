// Puts a job-private sccache in place: the static launcher named `sccache`, the real binary beside it and
// launcher.conf, which tells the launcher what to start and with which environment
// (agent/launcher/config.hpp). Free functions; called once per job, from one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/core/secret.hpp"
#include "agent/io/file.hpp"
#include "agent/io/process.hpp"

namespace agent::sccache {

namespace fs = io::fs;

// What is in an installation's folder.
constexpr std::string_view k_launcher = "sccache";
// In a folder of its own, because it must be called `sccache`: by any other name it takes itself for a
// compiler, finds itself as the real one and starts itself for ever (sccache 0.16.0 src/cmdline.rs, seen
// 2026-11).
constexpr std::string_view k_real = "real/sccache";
constexpr std::string_view k_conf = "launcher.conf";
constexpr std::string_view k_socket = "sccache.sock";
constexpr std::string_view k_log = "sccache.log";
constexpr std::string_view k_inputs = "inputs.list";    // where each compilation ran, with logs_keys
constexpr std::string_view k_state = "launcher.state";  // one line per event, appended by the launcher

// SCCACHE_IDLE_TIMEOUT. A server whose hearth was killed ends by itself; no build goes so long without a
// compilation, and the next one would start it again.
constexpr std::string_view k_idle_seconds = "21600";

// A private SCCACHE_DIR that was filled (agent/folders/hydrate.hpp).
struct DiskCache {
  fs::path folder;               // as the build steps see it
  std::uint64_t size_bytes = 0;  // SCCACHE_CACHE_SIZE: what was filled in and what may come
};

struct InstallOptions {
  fs::path folder;                  // where to install, as this process sees it; its `bin` goes on PATH
  fs::path seen_folder;             // the same folder as the build steps see it
  fs::path launcher;                // the launcher's binary
  fs::path real;                    // the real sccache
  bool copy_real = true;            // false: launcher.conf names `real` in place (a laptop)
  std::string endpoint;             // the agent as the steps reach it: "http://127.0.0.1:7420"
  std::string key_prefix;           // between the front and the shards; empty: none
  Secret token;                     // the agent's bearer; empty: an open agent
  std::optional<DiskCache> disk{};  // sccache works on this and asks no agent
  bool logs_keys = false;           // the server writes what makes each key into its log
  io::Owner owner;                  // of the steps: everything is given to it
};

// The paths of an installation, as the steps see them.
struct Installation {
  fs::path bin;     // for PATH: holds `sccache`
  fs::path socket;  // of sccache's server
  fs::path real;
};

// Errors: io, denied, full; invalid where the socket's path is over 107 bytes (the limit of Unix sockets).
Result<Installation> install(const InstallOptions& options);

// What build steps need to use it: RUSTC_WRAPPER, CMAKE_C(XX)_COMPILER_LAUNCHER, SCCACHE_SERVER_UDS,
// CARGO_INCREMENTAL=0 (sccache cannot cache incremental compilations). PATH is left to the caller.
io::Environment step_environment(const Installation& installation);

// The environment for a command whose compilations go through it: what step_environment says, its folder in
// front of PATH, nothing of foreign_variables.
io::Environment job_environment(io::Environment environment, const Installation& installation);

// The launcher alone, for a command without a cache: with nothing in launcher.conf it runs the compilers
// themselves.
// Returns the folder for PATH. Errors: io, denied, full.
Result<fs::path> install_bare(const fs::path& folder, const fs::path& launcher);

// The environment for a command whose compilations go through that: wrappers that the user chose and that are
// no sccache stay.
io::Environment bare_environment(io::Environment environment, const fs::path& bin);

// Variables that would point sccache elsewhere: SCCACHE_*, other than those that enter keys or only set limits
// (launcher::k_kept_variables). They are removed from the environment of steps that we start.
std::vector<std::string> foreign_variables(const io::Environment& environment);

// The real sccache: HEARTH_SCCACHE, then beside this program, then on PATH; never our own launcher.
// Errors: not_found, saying how to get one.
Result<fs::path> find_real(const io::Environment& environment, const fs::path& own_program);

// The launcher's binary: HEARTH_LAUNCHER, then `sccache-launcher` beside this program.
Result<fs::path> find_launcher(const io::Environment& environment, const fs::path& own_program);

}  // namespace agent::sccache
