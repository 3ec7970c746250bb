// The detached container that holds the job's agent: what main asks Docker for, and what runs first inside.
// A process of the action's own container ends with it, so the agent lives in a sibling made from the same
// image through the mounted socket. It sees the shared folder and the backend's folder at the host's own
// paths, so that every path in its configuration is the host's. Values and pure functions, unless said
// otherwise.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "agent/action/docker_types.hpp"
#include "agent/action/inputs.hpp"
#include "agent/action/plan.hpp"
#include "agent/action/runner_environment.hpp"

namespace agent::action {

// Labels a sibling with the host's path of the folder that it serves: one job at a time has that folder, so
// whatever else wears the label is a leftover.
constexpr std::string_view k_sibling_label = "hearth.shared-folder";

// What is in the job's folder, `<temp>/hearth`.
struct JobFolder {
  SharedFolder folder;

  SharedFolder agent() const { return folder / "agent"; }  // the agent's own
  SharedFolder sccache() const {
    return folder / "sccache";
  }  // the steps' own: launcher, sccache, its socket
  SharedFolder sccache_cache() const { return sccache() / "cache"; }  // SCCACHE_DIR, in disk mode
  SharedFolder ccache() const { return folder / "ccache"; }           // the steps' own
  SharedFolder ccache_cache() const { return ccache() / "cache"; }    // CCACHE_DIR
  SharedFolder sentinel() const { return folder / "sentinel"; }
  SharedFolder summary() const { return folder / "summary.json"; }
  SharedFolder control() const { return agent() / "control.sock"; }
  SharedFolder token() const { return agent() / "token"; }
  SharedFolder steps_token() const { return agent() / "steps-token"; }  // the same, for main
  SharedFolder secrets() const { return agent() / "secrets"; }
  SharedFolder ready() const { return agent() / "ready.json"; }
  SharedFolder log() const { return agent() / "agent.log"; }
  SharedFolder record() const { return agent() / "figures.json"; }
};

struct SiblingFacts {
  const Inputs& inputs;
  const RunnerEnvironment& runner;
  const Plan& plan;
  const JobFolder& job;
  const ContainerFacts& own;  // this container: image and labels
  SharedFolder shared;        // what the runner shares: mounted whole
  std::string name;
  std::chrono::seconds drain_deadline{60};
};

// Who publishes: the job, its run and attempt.
std::string producer_of(const RunnerEnvironment& runner);

// What the jobs of one run have in common: "1234-1".
std::string run_of(const RunnerEnvironment& runner);

// Where the runner checks the job's repository out, as the steps see it. Its own way of laying out folders is
// the only thing that tells: the container is given the path under another name.
std::string checkout_path(const SharedFolder& shared, const RunnerEnvironment& runner);

// The steps' network: the job container's, where they run in one; else the host's.
bool uses_job_network(const RunnerEnvironment& runner);

ContainerSpec sibling_spec(const SiblingFacts& facts);

// Errors: invalid where the agent's socket has a path over 107 bytes.
Result<void> check_socket_paths(const JobFolder& job);

// The sibling's own first step, as root inside it: opens the log, finds its address, hands folders to the
// user the agent runs as, becomes that user and turns into `hearth agent`. Returns only on failure, with an
// exit code.
int run_sibling(const std::vector<std::string>& arguments);

}  // namespace agent::action
