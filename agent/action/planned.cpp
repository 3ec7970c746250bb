#include "agent/action/planned.hpp"

#include <utility>

namespace agent::action {

Result<Planned> read_plan(const Stage& stage) {
  AGENT_TRY(auto inputs, read_inputs(stage.environment));
  AGENT_TRY(auto plan, make_plan({.inputs = inputs,
                                  .runner = stage.runner,
                                  .environment = stage.environment,
                                  .host_temp = host_temp_folder(stage.environment, stage.arguments)}));
  return Planned{.inputs = std::move(inputs), .plan = std::move(plan)};
}

}  // namespace agent::action
