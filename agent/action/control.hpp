// The agent of this job, asked through its Unix socket in the shared folder (agent/app/routes.hpp lists the
// paths). Used by one thread. Errors: transient (nobody listens, no answer in time), corrupt (not its
// figures).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "agent/core/result.hpp"
#include "agent/io/file.hpp"
#include "agent/report/figures.hpp"

namespace agent::action {

Result<report::Figures> ask_status(const io::fs::path& control_socket, std::chrono::milliseconds timeout);

// Publishes what is pending, stops sccache's server, ends the agent: its final figures. Blocks up to the
// deadline and what the agent takes to answer.
Result<report::Figures> drain_agent(const io::fs::path& control_socket, std::chrono::seconds deadline);

// What the agent last wrote to its record file. Errors: not_found, corrupt.
Result<report::Figures> read_record(const io::fs::path& record);

// What the ready file says.
struct Ready {
  std::string endpoint;
  std::optional<std::uint64_t> sccache_cache_size;  // bytes; there in disk mode
};

// Errors: not_found while there is none, corrupt.
Result<Ready> read_ready(const io::fs::path& ready_file);

}  // namespace agent::action
