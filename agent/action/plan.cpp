#include "agent/action/plan.hpp"

namespace agent::action {

namespace {

keys::RootTagInputs tag_inputs(const PlanFacts& facts) {
  const auto& inputs = facts.inputs;
  const auto& runner = facts.runner;
  return {
      .tag = inputs.tag,
      .prefix = inputs.tag_prefix,
      .toolchain = inputs.toolchain,
      .os = runner.os,
      .arch = runner.arch,
      .scope = inputs.scope,
      .matrix = inputs.matrix,
      .workspace = runner.workspace,
      .kind = inputs.run_scoped ? keys::RootTagInputs::Kind::run_scoped : keys::RootTagInputs::Kind::stable,
      .run = {.id = runner.run_id, .attempt = runner.run_attempt, .sha = runner.sha}};
}

// A job without a toolchain file cannot do anything about it from in here: nothing to annotate every run
// with.
bool is_usual(std::string_view warning) {
  return warning.starts_with("the toolchain part is 'any'");
}

// A folder of the host is shared by every job on it, and nobody who reaches Docker's socket is kept out of
// it: not for what strangers may send to a public repository.
BackendChoice automatic_backend(const PlanFacts& facts, Plan& plan) {
  if (facts.runner.hosted) {
    plan.warnings.emplace_back(
        "backend auto: this version keeps nothing between jobs on GitHub's own machines; the cache serves "
        "this job "
        "only. Self-hosted runners keep it in _hearth beside _temp; or set backend: "
        "disk:///a/folder/that/stays");
    return {};
  }
  const bool open_pull_request = plan.scopes.trigger == keys::Scopes::Trigger::pull_request &&
                                 plan.scopes.visibility != keys::Visibility::closed;
  if (open_pull_request) {
    plan.remarks.emplace_back(
        "backend auto: none, because a pull request of a public repository must not reach a folder that "
        "other jobs "
        "share; set backend: disk:///… to allow it");
    return {};
  }
  if (facts.host_temp.empty()) {
    return {};
  }
  const auto folder = (facts.host_temp.parent_path() / "_hearth").string();
  return {.url = "disk://" + folder, .folder = folder, .missing = BackendChoice::Missing::make};
}

BackendChoice choose_backend(const PlanFacts& facts, Plan& plan) {
  const auto& wanted = facts.inputs.backend;
  switch (wanted.kind) {
    case BackendInput::Kind::automatic:
      return automatic_backend(facts, plan);
    case BackendInput::Kind::named:
      return {.url = "disk://" + wanted.disk_folder(), .folder = wanted.disk_folder()};
    case BackendInput::Kind::none:
      break;
  }
  return {};
}

}  // namespace

Result<Plan> make_plan(const PlanFacts& facts) {
  Plan plan;
  AGENT_TRY(plan.tag, keys::root_tag(tag_inputs(facts)));
  for (const auto& warning : plan.tag.warnings) {
    (is_usual(warning) ? plan.remarks : plan.warnings).push_back(warning);
  }
  plan.scopes =
      keys::scopes_of(keys::github_context(facts.environment, facts.runner.event), facts.inputs.mode);
  plan.remarks.push_back(fmt::format("mode {}: {}", plan.mode(), plan.scopes.reason));
  if (facts.inputs.mode == keys::RequestedMode::read_write && plan.mode() != "read-write") {
    plan.warnings.push_back(fmt::format("mode is {}: {}", plan.mode(), plan.scopes.reason));
  }
  if (!plan.off()) {
    plan.backend = choose_backend(facts, plan);
  }
  return plan;
}

}  // namespace agent::action
