// launcher.conf: how the installer (module sccache) tells the launcher what to do.
//
// The file lies beside the launcher, belongs to the user of the job's steps and has mode 0600, because it
// holds the agent's bearer. Lines are KEY=VALUE without spaces around the equals sign and without quotes; a
// value ends with its line; empty lines and lines starting with '#' are skipped; unknown keys are ignored, so
// that an older launcher reads a newer file. Write it by rename: launchers read it at any time.
//
//   real=/abs/sccache      the real sccache (required)
//   socket=/abs/socket     SCCACHE_SERVER_UDS of the job's private server, at most 107 bytes (required)
//   lock=/abs/lock         serialises starting the server; holds the Record of record.hpp (required)
//   state=/abs/events      one line per event is appended here, see below (required)
//   log=/abs/log           stdout and stderr of the server (optional: /dev/null)
//   inputs=/abs/file       one line per compilation is appended: its working directory, a tab and its output
//                          as named_output.hpp says, for whoever wants to find the headers (optional)
//   protocol=0.16|none     the wire protocol of `real`; with `none`, or when unknown, `real` is run as client
//   agent=ADDRESS:PORT     where /healthz is asked before the server is started: an IPv4 address. With
//                          anything else, or without this key (disk mode), nothing is asked: the server's own
//                          start-up probe decides.
//   answer=MS              how long a server may take to say that it has begun (optional: 20000)
//   idle=MS                how long a server that began a compilation may do nothing and run no compiler
//                          before it is given up (optional: 90000; sccache itself ends a lookup after 60000)
//   env.NAME=VALUE         set for the server and for `real` (SCCACHE_WEBDAV_ENDPOINT, SCCACHE_WEBDAV_TOKEN,
//                          SCCACHE_IDLE_TIMEOUT, NO_PROXY, ...); at most 64. SCCACHE_SERVER_UDS is implied.
//
// Every inherited SCCACHE_* is removed for the server and for `real`, except those of k_kept_variables: a
// stray SCCACHE_BUCKET would win over our backend. SCCACHE_CONF is /dev/null unless env.SCCACHE_CONF says
// otherwise, for the same reason. Backends' credentials without that prefix (AWS_*, ...) select nothing and
// stay.
//
// Events (state=): "<event>[ <detail>]" per line, appended with one write each:
//   started MS                the job's first server answers, after so many milliseconds
//   restarted MS              it had died and was started again
//   start-failed REASON       exited, start-timeout, spawn
//   stopped                   a step ran --stop-server; starting the next server is no restart
//   agent-unreachable         /healthz did not answer with 200 within a second
//   ended-hung                a server that said nothing for so long, and did nothing, was ended
//   fallback REASON           one compilation ran without the cache: agent-unreachable, server-start-failed,
//                             backing-off, restarts-exhausted, lock-unavailable, connect-failed, send-failed,
//                             server-hung, connection-lost, bad-reply, request-too-large,
//                             unsupported-compiler, incremental, working-directory, out-of-memory
//   notice                    the warning was printed
//
// Values only. Not thread-safe. Errors: an unusable file is an empty answer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "agent/launcher/c_string.hpp"

namespace agent::launcher {

inline constexpr std::string_view k_config_file = "launcher.conf";

inline constexpr std::string_view k_key_real = "real";
inline constexpr std::string_view k_key_socket = "socket";
inline constexpr std::string_view k_key_lock = "lock";
inline constexpr std::string_view k_key_state = "state";
inline constexpr std::string_view k_key_log = "log";
inline constexpr std::string_view k_key_inputs = "inputs";
inline constexpr std::string_view k_key_protocol = "protocol";
inline constexpr std::string_view k_key_agent = "agent";
inline constexpr std::string_view k_key_answer = "answer";
inline constexpr std::string_view k_key_idle = "idle";
inline constexpr std::string_view k_key_variable_prefix = "env.";

inline constexpr std::string_view k_protocol_0_16 = "0.16";
inline constexpr std::string_view k_protocol_none = "none";

inline constexpr std::size_t k_max_config_bytes = std::size_t{64} * 1024;
inline constexpr std::size_t k_max_config_variables = 64;
inline constexpr std::size_t k_max_socket_path = 107;

// What a step may still tune: these select no backend and no server.
inline constexpr std::array<std::string_view, 13> k_kept_variables = {
    "SCCACHE_ALLOW_CORE_DUMPS",       // limits of the server process
    "SCCACHE_BASEDIRS",               // keys
    "SCCACHE_CACHE_MULTIARCH",        // keys
    "SCCACHE_CACHE_ZSTD_LEVEL",       // size of entries
    "SCCACHE_C_CUSTOM_CACHE_BUSTER",  // keys
    "SCCACHE_DIRECT",                 // direct mode of the disk backend
    "SCCACHE_EXTRAFILES",             // keys
    "SCCACHE_IGNORE_SERVER_IO_ERROR",
    "SCCACHE_LOG",
    "SCCACHE_LOG_MILLIS",
    "SCCACHE_MAX_FRAME_LENGTH",
    "SCCACHE_NO_CACHE",
    "SCCACHE_RECACHE",
};

enum class Protocol : std::uint8_t { none, v0_16 };

// Every text borrows from the bytes that were parsed.
struct Config {
  CString real;
  CString socket;
  CString lock;
  CString state;
  CString log;
  CString inputs;
  CString agent;
  Protocol protocol = Protocol::none;
  long answer_ms = 20'000;
  long idle_ms = 90'000;
  std::array<char*, k_max_config_variables> variable_list{};  // "NAME=VALUE"
  std::size_t variable_count = 0;

  std::span<char* const> variables() const { return std::span(variable_list).first(variable_count); }
};

// Parses in place: line ends become zeros. `text` must outlive the Config and leave room for one byte, its
// last, which is overwritten.
std::optional<Config> parse_config(std::span<char> text);

}  // namespace agent::launcher
