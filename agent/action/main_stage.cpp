#include "agent/action/agent_start.hpp"
#include "agent/action/cancellation.hpp"
#include "agent/action/exports.hpp"
#include "agent/action/file_commands.hpp"
#include "agent/action/job_entry.hpp"

namespace agent::action {

namespace {

void set_output(const Stage& stage, std::string_view name, std::string_view value) {
  if (const auto set = stage.commands.set_output(name, value); !set) {
    stage.log.line(fmt::format("Output {} is not set: {}", name, set.error().message));
  }
}

// What the outputs say where there is no agent; `mode` keeps saying what would have been allowed.
void set_outputs(const Stage& stage, const Plan& plan, const AgentRecord& agent) {
  set_output(stage, "root-tag", agent.tag.empty() ? plan.tag.tag : agent.tag);
  set_output(stage, "cache-hit", agent.cache_hit ? "true" : "false");
  set_output(stage, "endpoint", agent.endpoint);
  set_output(stage, "backend", agent.backend.empty() ? "none" : agent.backend);
  set_output(stage, "mode", agent.mode.empty() ? "off" : agent.mode);
}

int uncached(const Stage& stage, const Inputs& inputs, const Plan& plan, const Error& reason) {
  set_outputs(stage, plan, {});
  if (stage.stop.stop_requested()) {
    return k_cancelled_exit;
  }
  if (inputs.fail_on_cache_error) {
    stage.log.error(reason.message);
    return k_cache_error;
  }
  stage.log.warning(fmt::format("The build goes on uncached: {}", reason.message));
  return k_ok;
}

void explain(const Stage& stage, const Plan& plan) {
  stage.log.group(fmt::format("Hearth: {}", plan.tag.tag));
  for (const auto& part : plan.tag.parts) {
    stage.log.line(fmt::format("{}: {} ({})", part.name, part.value, part.source));
  }
  for (const auto& remark : plan.remarks) {
    stage.log.line(remark);
  }
  stage.log.line(fmt::format("backend: {}", plan.backend.url));
  stage.log.end_group();
  for (const auto& warning : plan.warnings) {
    stage.log.warning(warning);
  }
}

Result<void> export_to_steps(const Stage& stage, const JobFolder& job, const Inputs::Tools& tools) {
  const auto exports = exports_for(job, tools, stage.environment);
  for (const auto& [name, value] : exports.variables) {
    AGENT_CHECK(stage.commands.set_variable(name, value));
    stage.log.line(fmt::format("{}={}", name, value));
  }
  AGENT_CHECK(stage.commands.prepend_path(exports.path));
  stage.log.line(fmt::format("PATH begins with {}", exports.path));
  for (const auto& remark : exports.remarks) {
    stage.log.line(remark);
  }
  return {};
}

// The agent of the job: started, or the one that an earlier step started.
Result<AgentRecord> take_agent(const StartFacts& facts, LockedJobState& state) {
  if (join_agent(facts, state)) {
    facts.log.line("Joined the agent that was started before the job's steps");
    return *state->agent;
  }
  if (attach(facts, *state)) {
    facts.log.line(fmt::format("Using the agent that an earlier step of this job started, with tag {}",
                               state->agent->tag));
    if (state->agent->tag != facts.plan.tag.tag) {
      facts.log.warning(
          fmt::format("This job has one agent, with tag {}; the tag {} of this step is not used",
                      state->agent->tag, facts.plan.tag.tag));
    }
    return *state->agent;
  }
  if (auto started = start_agent(facts, state); !started) {
    state->trouble = started.error().message;
    const auto saved = state.save();
    return std::unexpected(saved ? started.error() : saved.error());
  }
  return *state->agent;
}

Result<AgentRecord> join_job(const Stage& stage, const Inputs& inputs, const Plan& plan) {
  AGENT_TRY(auto entry, enter_job(stage, plan));
  const auto& job = entry.job;
  set_output(stage, "summary-json", job.summary().host.string());
  const StartFacts facts{.inputs = inputs,
                         .runner = stage.runner,
                         .plan = plan,
                         .job = job,
                         .shared = entry.shared,
                         .docker_socket = stage.docker_socket(),
                         .log = stage.log,
                         .stop = stage.stop};
  AGENT_TRY(auto agent, take_agent(facts, entry.state));
  AGENT_CHECK(export_to_steps(stage, job, inputs.tools));
  return agent;
}

}  // namespace

int run_main(const Stage& stage) {
  const auto planned = read_plan(stage);
  if (!planned) {
    stage.log.error(planned.error().message);
    return k_invalid_input;
  }
  const auto& [inputs, plan] = *planned;
  explain(stage, plan);
  if (plan.off()) {
    set_outputs(stage, plan, {});
    stage.log.line("Nothing is cached in this job");
    return k_ok;
  }
  stage.log.group("Hearth: starting the agent");
  const auto agent = join_job(stage, inputs, plan);
  stage.log.end_group();
  if (!agent) {
    return uncached(stage, inputs, plan, agent.error());
  }
  set_outputs(stage, plan, *agent);
  stage.log.line(fmt::format("{}, {}, backend {}; {} is cached under the tag",
                             agent->without_docker ? "sccache's folder is filled"
                                                   : fmt::format("The agent serves on {}", agent->endpoint),
                             agent->mode, agent->backend, agent->cache_hit ? "something" : "nothing"));
  if (inputs.fail_on_miss && !agent->cache_hit) {
    stage.log.error(fmt::format("fail-on-miss: nothing is cached under {}", agent->tag));
    return k_miss;
  }
  return k_ok;
}

}  // namespace agent::action
