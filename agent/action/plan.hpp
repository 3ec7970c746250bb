// What main is going to do, decided from the inputs, the job and where it runs, before anything is touched:
// the tag, who may write, where the cache lives. A pure function but for the workspace's toolchain file. Safe
// from any thread.
#pragma once

#include <string>
#include <vector>

#include "agent/action/inputs.hpp"
#include "agent/action/runner_environment.hpp"
#include "agent/app/backend_variables.hpp"
#include "agent/core/result.hpp"
#include "agent/keys/root_tag.hpp"
#include "agent/keys/scopes.hpp"

namespace agent::action {

struct BackendChoice {
  std::string url = "none";  // as `hearth agent --backend` takes it; paths are the host's
  std::string folder;        // of a disk:// backend, on the host; empty otherwise
  // make: `auto` chose the folder, so it is made where it is missing, for the runner's user.
  enum class Missing : unsigned char { error, make } missing = Missing::error;
  app::SecretVariables variables = {};  // of this job, that open it
};

struct Plan {
  keys::RootTag tag;
  keys::Scopes scopes;
  BackendChoice backend;
  std::vector<std::string> warnings;  // one line each, in plain words
  std::vector<std::string> remarks;   // for the step's log

  std::string mode() const { return std::string(keys::name_of(scopes.permission)); }
  bool off() const { return scopes.permission == keys::Permission::off; }
};

struct PlanFacts {
  const Inputs& inputs;
  const RunnerEnvironment& runner;
  const io::Environment& environment;
  fs::path host_temp;  // empty where unknown
  // out_of_reach: no Docker socket, so nothing of ours can see a folder of the host.
  enum class HostFolders : unsigned char { mountable, out_of_reach } host_folders = HostFolders::mountable;
};

// Errors: invalid, naming the input.
Result<Plan> make_plan(const PlanFacts& facts);

}  // namespace agent::action
