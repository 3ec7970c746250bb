// A job's sccache server, watched from outside through its Unix socket. Used by one thread at a time.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/io/file.hpp"
#include "agent/sccache/key_inputs.hpp"
#include "agent/sccache/server_log.hpp"
#include "agent/sccache/statistics.hpp"

namespace agent::sccache {

struct ServerPaths {
  io::fs::path real;    // the real sccache, for its client
  io::fs::path socket;  // SCCACHE_SERVER_UDS
  io::fs::path state;   // the launcher's events
};

// What the launcher wrote down (agent/launcher/config.hpp describes the lines).
struct LauncherEvents {
  std::uint64_t starts = 0;
  std::uint64_t restarts = 0;
  std::uint64_t stops = 0;  // on purpose, by a step: what was counted since the last snapshot is gone with it
  std::map<std::string, std::uint64_t> fallbacks;  // reason -> compilations run uncached
};

class Server final {
public:
  explicit Server(ServerPaths paths) : paths_(std::move(paths)) {}

  bool running() const;

  // Asks the server and keeps the answer. After the server was replaced, figures of both are added up.
  // Errors: not_found (no server runs); cancelled (no answer in time); invalid (not its statistics).
  Result<void> take_snapshot(std::chrono::milliseconds deadline);

  // The last snapshot; empty where there never was one. Survives the server's death.
  std::optional<Statistics> statistics() const;

  LauncherEvents events() const;

  // What the server's log, beside the launcher's events, says of trouble (agent/sccache/server_log.hpp).
  std::vector<LogLine> log_lines() const;

  // What it says of each compilation, where its log has such lines (agent/sccache/key_log.hpp), and the files
  // that these read (agent/sccache/key_inputs.hpp), as they are now.
  KeyInputs key_inputs() const;

  // Stops the server and returns when its process is gone, killing it at the deadline where it can be seen
  // from here. Succeeds where none runs.
  Result<void> stop(std::chrono::milliseconds deadline);

private:
  Result<std::string> client(const char* option, std::chrono::milliseconds deadline) const;

  ServerPaths paths_;
  std::optional<Statistics> earlier_;  // of servers that are gone
  std::optional<Statistics> current_;
  pid_t process_ = 0;  // that current_ is of
};

}  // namespace agent::sccache
