// The environments in which the real sccache runs: ours wins, foreign SCCACHE_* go (see config.hpp).
// Pure but for memory. Errors: null if memory is out.
#pragma once

#include <cstdint>
#include <span>

#include "agent/launcher/config.hpp"
#include "agent/launcher/text.hpp"

namespace agent::launcher {

enum class Role : std::uint8_t {
  client,  // `real` with the user's arguments
  server,  // `real` as the job's server, in the foreground of a session of its own
};

char** real_environment(Role role, const Config& config, std::span<char* const> inherited, Arena& arena);

}  // namespace agent::launcher
