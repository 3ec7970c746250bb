#include "agent/action/agent_start.hpp"
#include "agent/action/job_entry.hpp"

namespace agent::action {

namespace {

// What the tag is made of may still come with the checkout: the file that pins the toolchain.
bool knows_tag(const Inputs& inputs) {
  return !inputs.tag.empty() || !inputs.toolchain.empty();
}

// The agent preloads while the job's other steps run. Nothing here may fail the job: main tries again.
Result<void> begin(const Stage& stage, const Planned& planned) {
  AGENT_TRY(auto entry, enter_job(stage, planned.plan));
  if (entry.state->agent) {
    stage.log.line("An agent of this job is there already");
    return {};
  }
  AGENT_CHECK(begin_agent({.inputs = planned.inputs,
                           .runner = stage.runner,
                           .plan = planned.plan,
                           .job = entry.job,
                           .shared = entry.shared,
                           .docker_socket = stage.docker_socket(),
                           .log = stage.log,
                           .stop = stage.stop},
                          entry.state));
  stage.log.line(
      fmt::format("The agent starts now and preloads {} while the job's steps begin", planned.plan.tag.tag));
  return {};
}

}  // namespace

int run_pre(const Stage& stage) {
  const auto planned = read_plan(stage);
  if (!planned) {
    stage.log.error(planned.error().message);
    return k_invalid_input;
  }
  if (planned->plan.off() || planned->plan.backend.url == "none") {
    stage.log.line("The inputs are fine; there is nothing to preload");
    return k_ok;
  }
  if (!knows_tag(planned->inputs)) {
    stage.log.line(
        "The inputs are fine; the agent starts with the step itself, because the tag depends on what is "
        "checked out (with `tag` or `toolchain` it would start now)");
    return k_ok;
  }
  if (const auto begun = begin(stage, *planned); !begun) {
    stage.log.line(fmt::format("The agent starts with the step itself: {}", begun.error().message));
  }
  return k_ok;
}

}  // namespace agent::action
