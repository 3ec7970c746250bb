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

// The runner hands these to actions wherever GitHub offers its cache service.
bool has_cache_service(const io::Environment& environment) {
  return !io::variable_in(environment, "ACTIONS_RUNTIME_TOKEN").empty() &&
         (!io::variable_in(environment, "ACTIONS_RESULTS_URL").empty() ||
          !io::variable_in(environment, "ACTIONS_CACHE_URL").empty());
}

// A job that only reads gets no token that says it may save: the one variable is for restoring.
app::SecretVariables server_variables(const PlanFacts& facts, bool writes) {
  const auto value = [&](std::string_view name) { return io::variable_in(facts.environment, name); };
  app::SecretVariables variables;
  if (auto url = value("BORINGCACHE_API_URL"); !url.empty()) {
    variables.emplace_back("BORINGCACHE_API_URL", Secret(std::move(url)));
  }
  const auto first_of = [&](std::initializer_list<std::string_view> names) {
    auto found = facts.inputs.server_token();
    for (const auto name : names) {
      found = found.empty() ? Secret(value(name)) : found;
    }
    return found;
  };
  const auto add = [&](std::string_view name, Secret token) {
    if (!token.empty()) {
      variables.emplace_back(name, std::move(token));
    }
  };
  add("BORINGCACHE_RESTORE_TOKEN", first_of({"BORINGCACHE_RESTORE_TOKEN", "BORINGCACHE_SAVE_TOKEN",
                                             "BORINGCACHE_ADMIN_TOKEN", "BORINGCACHE_API_TOKEN"}));
  if (writes) {
    add("BORINGCACHE_SAVE_TOKEN",
        first_of({"BORINGCACHE_SAVE_TOKEN", "BORINGCACHE_ADMIN_TOKEN", "BORINGCACHE_API_TOKEN"}));
  }
  return variables;
}

// What opens a backend that is behind a network: what its storage reads of this job's variables, and nothing
// else.
BackendChoice remote_backend(const PlanFacts& facts, std::string url, const Plan& plan) {
  BackendChoice choice{.url = std::move(url), .folder = {}};
  if (choice.url.starts_with("boringcache://")) {
    choice.variables = server_variables(facts, plan.mode() != "read-only");
    return choice;
  }
  for (const auto name : app::backend_variables(choice.url)) {
    const bool is_token = name == "GITHUB_TOKEN";
    auto value = is_token ? facts.inputs.token : Secret(io::variable_in(facts.environment, name));
    if (!value.empty()) {
      choice.variables.emplace_back(name, std::move(value));
    }
  }
  return choice;
}

// A folder of the host is shared by every job on it, and nobody who reaches Docker's socket is kept out of
// it: not for what strangers may send to a public repository.
BackendChoice automatic_backend(const PlanFacts& facts, Plan& plan) {
  const bool service = has_cache_service(facts.environment);
  if (service && (facts.runner.hosted || facts.host_folders == PlanFacts::HostFolders::out_of_reach)) {
    return remote_backend(facts, "github", plan);
  }
  if (facts.runner.hosted) {
    plan.warnings.emplace_back(
        "backend auto: the runner gave this action no access to GitHub's cache service "
        "(ACTIONS_RESULTS_URL, ACTIONS_RUNTIME_TOKEN), so nothing is kept between jobs");
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
      return wanted.disk_folder().empty()
                 ? remote_backend(facts, wanted.url, plan)
                 : BackendChoice{.url = "disk://" + wanted.disk_folder(), .folder = wanted.disk_folder()};
    case BackendInput::Kind::none:
      break;
  }
  return {};
}

}  // namespace

Result<Plan> make_plan(const PlanFacts& facts) {
  Plan plan;
  AGENT_TRY(plan.tag, keys::root_tag(tag_inputs(facts)));
  plan.warnings = plan.tag.warnings;
  plan.remarks = plan.tag.remarks;  // nothing a job could mend: no annotation of every run
  plan.scopes =
      keys::scopes_of(keys::github_context(facts.environment, facts.runner.event), facts.inputs.mode);
  plan.remarks.push_back(fmt::format("mode {}: {}", plan.mode(), plan.scopes.reason));
  if (facts.inputs.mode == keys::RequestedMode::read_write && plan.mode() != "read-write") {
    plan.warnings.push_back(fmt::format("mode is {}: {}", plan.mode(), plan.scopes.reason));
  }
  if (!plan.off()) {
    plan.backend = choose_backend(facts, plan);
    for (const auto& name : app::files_among(plan.backend.variables)) {
      plan.warnings.push_back(fmt::format(
          "{} names a file, which the agent's container does not see; hand over what is in it: keys as "
          "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (aws-actions/configure-aws-credentials sets "
          "them, from OIDC too), certificates in the runner's own store",
          name));
    }
  }
  return plan;
}

}  // namespace agent::action
