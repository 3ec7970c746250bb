// One agent per job: starts it in a sibling container, or attaches to the one that an earlier step started.
// Where the job's tag is known before its checkout, pre begins the agent, and it preloads meanwhile; main
// joins it.
// Blocks for half a minute at most, less where `stop` is requested. Used by one thread.
#pragma once

#include <stop_token>

#include "agent/action/docker_api.hpp"
#include "agent/action/job_state.hpp"
#include "agent/action/sibling.hpp"
#include "agent/action/workflow_log.hpp"
#include "agent/core/secret.hpp"

namespace agent::action {

struct StartFacts {
  const Inputs& inputs;
  const RunnerEnvironment& runner;
  const Plan& plan;
  const JobFolder& job;
  SharedFolder shared;
  fs::path docker_socket;
  const WorkflowLog& log;
  std::stop_token stop;
};

// The state's agent, if it still answers. One that does not is forgotten.
bool attach(const StartFacts& facts, JobState& state);

// Creates the agent's container and does not wait for it. Errors as start_agent.
Result<void> begin_agent(const StartFacts& facts, LockedJobState& state);

// Waits for the agent that pre began, if it was begun for what main wants too, and installs sccache for the
// steps. False where there is none, or it was of no use and is gone.
bool join_agent(const StartFacts& facts, LockedJobState& state);

// Starts an agent, installs sccache for the steps, and puts the agent into the state. Where anything fails,
// nothing stays behind. Errors: not_found (no Docker), cancelled, and whatever kept the agent from starting.
Result<void> start_agent(const StartFacts& facts, LockedJobState& state);

// Stops and removes the state's container, whatever state it is in.
Result<void> remove_agent(DockerApi& docker, const AgentRecord& agent, std::chrono::seconds grace);

}  // namespace agent::action
