// What pre and main both begin with: the inputs, read, and the plan that they make with the runner's facts.
#pragma once

#include "agent/action/inputs.hpp"
#include "agent/action/plan.hpp"
#include "agent/action/stage.hpp"
#include "agent/core/result.hpp"

namespace agent::action {

struct Planned {
  Inputs inputs;
  Plan plan;
};

// Errors: those of read_inputs and make_plan; each is the user's to mend (k_invalid_input).
Result<Planned> read_plan(const Stage& stage);

}  // namespace agent::action
