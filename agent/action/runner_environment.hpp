// What the runner tells a container action: the job it belongs to, and one shared folder as three parties see
// it. Values, read once. Sources: actions/runner src/Runner.Worker, GitHubContext.cs, RunnerContext.cs,
// Handlers/ContainerActionHandler.cs, ContainerOperationProvider.cs; read 2026-11.
//
// The runner translates host paths in environment variables to this container's, but never in arguments; so
// action.yml hands the host's temporary folder over as an argument.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/io/file.hpp"
#include "agent/io/process.hpp"

namespace agent::action {

namespace fs = io::fs;

// The arguments of action.yml: "--host-temp=…", "--job-network=…", "--job-container=…"; any may be empty.
struct Arguments {
  std::string host_temp;
  std::string job_network;
  std::string job_container;
};

// Errors: invalid, for an argument that action.yml does not pass.
Result<Arguments> parse_arguments(const std::vector<std::string>& arguments);

// A folder as this container, the host and the job's steps see it.
struct SharedFolder {
  fs::path here;
  fs::path host;
  fs::path steps;  // the host's path, or "/__w/…" where the steps run in a job container

  SharedFolder operator/(std::string_view name) const { return {here / name, host / name, steps / name}; }
};

struct RunnerEnvironment {
  std::string repository;
  std::string run_id;
  std::string run_attempt;
  std::string sha;
  std::string job;
  std::string os;       // as the runner says it: "Linux"
  std::string arch;     // "X64", "ARM64"
  bool hosted = false;  // a machine of GitHub's, gone after the job
  std::string event;    // the webhook's payload, JSON text; empty where it cannot be read
  fs::path workspace;   // here
  std::string job_network;
  std::string job_container;  // id; empty where the steps run on the host

  // Tells this job's attempt from any other on the same runner.
  std::string job_identity() const;
};

RunnerEnvironment read_runner_environment(const io::Environment& environment, const Arguments& arguments);

// The host's path of the runner's `_temp`; empty where it is not known.
fs::path host_temp_folder(const io::Environment& environment, const Arguments& arguments);

// The runner's temporary folder: /github/runner_temp, or the home folder in it on runners before 2.329.0.
// `root` stands for "/" (tests). Errors: not_found where neither is mounted (nektos/act) or the host's path
// is not known.
Result<SharedFolder> find_shared_folder(const io::Environment& environment, const Arguments& arguments,
                                        const fs::path& root = "/");

}  // namespace agent::action
