// The job's sccache server: connecting to it, and starting it when nobody answers.
//
// `sccache --start-server` on a socket path unlinks the socket of a server that is already there (0.16.0,
// src/server.rs, start_server), so only the holder of the job's lock starts one, after connecting failed
// again. Blocks; every wait has an end: 10 s for connecting and sending, 1 s for the agent, 10 s for a start,
// 30 s for the lock. Not thread-safe; any number of processes may call at once.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "agent/launcher/config.hpp"
#include "agent/launcher/text.hpp"

namespace agent::launcher {

// Why there is no connection; one word, as the event `fallback` of config.hpp has it.
struct Connection {
  int fd = -1;
  std::string_view reason;

  bool open() const { return fd >= 0; }
};

// Connects; where no server listens, starts one, or waits for the launcher that does.
Connection connect_or_start(const Config& config, std::span<char* const> environment, Arena& arena);

// After the server died in the middle of a compilation: ends the compilers it left running.
void end_orphans(const Config& config);

// After the server said nothing for a long time: ends it, if it does nothing either, so that nobody else
// waits for it and the next compilation starts another. A server that is only slow is left alone; so is one
// whose process cannot be seen from here. Takes a second.
void end_hung(const Config& config);

// True if `agent` ("ADDRESS:PORT") answers GET /healthz with 200 within a second. Anything but
// an IPv4 address counts as healthy unasked: resolving a name needs more than this program has.
// The process of the last server, where it still runs and can be seen from here; else 0, also while another
// launcher holds the lock.
std::int64_t running_server(const Config& config);

bool agent_is_healthy(std::string_view agent);

}  // namespace agent::launcher
