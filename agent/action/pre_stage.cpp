#include "agent/action/planned.hpp"
#include "agent/action/stage.hpp"

namespace agent::action {

int run_pre(const Stage& stage) {
  const auto planned = read_plan(stage);
  if (!planned) {
    stage.log.error(planned.error().message);
    return k_invalid_input;
  }
  stage.log.line("The inputs are fine; the agent starts with the step itself");
  return k_ok;
}

}  // namespace agent::action
