// A run as it is told to a server that keeps such: how many compilations it found, what it missed, where it
// ran. Safe from any thread. docs/protocols/boringcache.md, "Reports".
#pragma once

#include <functional>
#include <string>

#include "agent/app/run_record.hpp"
#include "agent/backends/object_storage.hpp"
#include "agent/io/json.hpp"

namespace agent::app {

constexpr std::size_t k_most_reported_misses = 500;

// `variable` answers for the GITHUB_* variables, empty where one is not set.
io::Json session_report(const RunRecord& run, const std::function<std::string(const char* name)>& variable);

// Tells the server that keeps the tags, where `backend` is one that keeps reports; nothing where the run
// asked for nothing. What goes wrong is logged: no run fails for it. Blocks on the network.
void tell_server(const std::string& backend, const backends::StorageServices& services, const RunRecord& run);

}  // namespace agent::app
