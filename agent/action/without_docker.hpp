// A job on a runner that gives its containers no Docker socket: nothing of ours can live beside the steps.
// Main fills sccache's folder from the tag and installs sccache to work on it; post ends sccache's server and
// publishes what is new. Used by one thread; both block on the storage.
#pragma once

#include <chrono>
#include <string>

#include "agent/action/agent_start.hpp"
#include "agent/action/job_state.hpp"
#include "agent/core/result.hpp"
#include "agent/report/figures.hpp"

namespace agent::action {

// The backend as this container reaches it: a storage behind a network as it is, a folder of the host only
// below what the runner shares (its temporary folder, the workspace) or where it is mounted at the same path.
// Errors: unsupported, saying what can be done.
Result<std::string> backend_from_here(const StartFacts& facts);

// In main. Errors: those of backend_from_here, and whatever kept the folder from being filled.
Result<AgentRecord> restore_without_docker(const StartFacts& facts);

// In post: the job's final figures. Errors: those of starting an agent.
Result<report::Figures> save_without_docker(const StartFacts& facts, std::chrono::seconds deadline);

}  // namespace agent::action
