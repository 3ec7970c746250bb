#include "agent/action/planned.hpp"

#include <system_error>
#include <utility>

namespace agent::action {

Result<Planned> read_plan(const Stage& stage) {
  AGENT_TRY(auto inputs, read_inputs(stage.environment));
  std::error_code error;
  const bool docker = fs::is_socket(stage.docker_socket(), error);
  AGENT_TRY(auto plan, make_plan({.inputs = inputs,
                                  .runner = stage.runner,
                                  .environment = stage.environment,
                                  .host_temp = host_temp_folder(stage.environment, stage.arguments),
                                  .host_folders = docker ? PlanFacts::HostFolders::mountable
                                                         : PlanFacts::HostFolders::out_of_reach}));
  return Planned{.inputs = std::move(inputs), .plan = std::move(plan)};
}

}  // namespace agent::action
