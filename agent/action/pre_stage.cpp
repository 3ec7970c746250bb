#include "agent/action/plan.hpp"
#include "agent/action/stage.hpp"

namespace agent::action {

int run_pre(const Stage& stage) {
  const auto inputs = read_inputs(stage.environment);
  if (!inputs) {
    stage.log.error(inputs.error().message);
    return k_invalid_input;
  }
  const auto plan = make_plan({.inputs = *inputs,
                               .runner = stage.runner,
                               .environment = stage.environment,
                               .host_temp = host_temp_folder(stage.environment, stage.arguments)});
  if (!plan) {
    stage.log.error(plan.error().message);
    return k_invalid_input;
  }
  stage.log.line("The inputs are fine; the agent starts with the step itself");
  return k_ok;
}

}  // namespace agent::action
