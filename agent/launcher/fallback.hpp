// Telling the agent, and once per job the user, that the cache was not used; and that a server was stopped.
// Never fails and never waits long: a build that cannot take the lock goes on without the warning.
#pragma once

#include <string_view>

#include "agent/launcher/config.hpp"

namespace agent::launcher {

// `reason` is that of the event `fallback` (config.hpp).
void report_fallback(const Config& config, std::string_view reason);

// The server is about to be stopped on purpose; starting the next one is no restart.
void remember_stop(const Config& config);

}  // namespace agent::launcher
