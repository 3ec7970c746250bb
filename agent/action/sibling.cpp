#include "agent/action/sibling.hpp"

#include "agent/core/text.hpp"

namespace agent::action {

namespace {

constexpr std::size_t k_socket_limit = 107;                   // sun_path, less its terminating zero: unix(7)
constexpr std::string_view k_entrypoint = "/hearth-sibling";  // the Dockerfile links it to the program
constexpr std::string_view k_real_sccache = "/opt/hearth/bin/real/sccache";
constexpr std::string_view k_store_volume = "/var/lib/hearth";
constexpr std::string_view k_alias = "hearth";

// A job of any length that compiles now and then; beyond it the job is taken for dead.
constexpr std::string_view k_idle_limit = "6h";

std::vector<std::string> agent_arguments(const SiblingFacts& facts) {
  const auto& job = facts.job;
  const auto sccache = job.sccache().host;
  std::vector<std::string> arguments = {"--store", std::string(k_store_volume) + "/store"};
  const auto add = [&](const char* flag, std::string value) {
    arguments.emplace_back(flag);
    arguments.push_back(std::move(value));
  };
  add("--control", job.control().host.string());
  add("--token-file", job.token().host.string());
  if (!facts.plan.backend.variables.empty()) {
    add("--secrets-file", job.secrets().host.string());
  }
  add("--ready-file", job.ready().host.string());
  add("--record", job.record().host.string());
  add("--sentinel", job.sentinel().host.string());
  add("--idle-limit", std::string(k_idle_limit));
  add("--backend", facts.plan.backend.url);
  add("--tag", facts.plan.tag.tag);
  add("--mode", facts.plan.mode());
  add("--repository", facts.plan.scopes.repository);
  add("--scope", facts.plan.scopes.own);
  for (const auto& scope : facts.plan.scopes.also) {
    add("--also-scope", scope);
  }
  add("--producer", producer_of(facts.runner));
  add("--run", run_of(facts.runner));
  add("--max-size", std::to_string(facts.inputs.max_size_bytes));
  if (facts.inputs.max_tag_bytes > 0) {
    add("--max-tag-size", std::to_string(facts.inputs.max_tag_bytes));
  }
  add("--min-free-space", std::to_string(facts.inputs.min_free_bytes));
  if (facts.inputs.preload_bytes) {
    add("--preload-budget", std::to_string(*facts.inputs.preload_bytes));
  }
  add("--drain-deadline", fmt::format("{}s", facts.drain_deadline.count()));
  add("--sccache-real", std::string(k_real_sccache));
  add("--sccache-socket", (sccache / "sccache.sock").string());
  add("--launcher-state", (sccache / "launcher.state").string());
  add("--sccache-mode", std::string(app::name_of(facts.inputs.sccache_mode)));
  add("--sccache-dir", job.sccache_cache().host.string());
  if (facts.inputs.tools.ccache) {
    add("--ccache-dir", job.ccache_cache().host.string());
  }
  add("--checkout", checkout_path(facts.shared, facts.runner));
  add("--log-level", "info");
  return arguments;
}

std::vector<std::string> sibling_arguments(const SiblingFacts& facts) {
  const auto& backend = facts.plan.backend;
  std::vector<std::string> arguments = {
      "--log=" + facts.job.log().host.string(), "--private=" + facts.job.agent().host.string(),
      "--volume=" + std::string(k_store_volume), "--owner-of=" + facts.shared.host.string()};
  if (!backend.folder.empty()) {
    arguments.push_back("--backend-folder=" + backend.folder);
  }
  if (backend.missing == BackendChoice::Missing::make) {
    arguments.emplace_back("--adopt-backend");
  }
  if (uses_job_network(facts.runner)) {
    arguments.push_back("--network-name=" + std::string(k_alias));
  }
  arguments.emplace_back("--");
  for (auto& argument : agent_arguments(facts)) {
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

}  // namespace

std::string producer_of(const RunnerEnvironment& runner) {
  return fmt::format("{} run {} attempt {}", runner.job, runner.run_id, runner.run_attempt);
}

std::string run_of(const RunnerEnvironment& runner) {
  return fmt::format("{}-{}", runner.run_id, runner.run_attempt);
}

std::string checkout_path(const SharedFolder& shared, const RunnerEnvironment& runner) {
  const auto name = runner.repository.substr(runner.repository.rfind('/') + 1);
  return (shared.steps.parent_path() / name / name).string();
}

bool uses_job_network(const RunnerEnvironment& runner) {
  return !runner.job_container.empty() && !runner.job_network.empty();
}

ContainerSpec sibling_spec(const SiblingFacts& facts) {
  const auto& backend = facts.plan.backend;
  ContainerSpec spec{.name = facts.name,
                     .image = facts.own.image,
                     .entrypoint = {std::string(k_entrypoint)},
                     .command = sibling_arguments(facts),
                     .labels = facts.own.labels,
                     .network = "host",
                     .aliases = {},
                     .binds = {},
                     .volumes = {std::string(k_store_volume)},
                     .capabilities = {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"},
                     // sccache's server runs among the steps; to see that it has ended takes its process id.
                     .sees_host_processes = true,
                     .stop_timeout = facts.drain_deadline + std::chrono::seconds(15)};
  spec.labels[std::string(k_sibling_label)] = facts.shared.host.string();
  if (uses_job_network(facts.runner)) {
    spec.network = facts.runner.job_network;
    spec.aliases = {std::string(k_alias)};
  }
  // Docker's own word for the source is right where the daemon sees other paths than the runner does.
  const auto source = facts.own.source_of(facts.shared.here.string());
  spec.binds.push_back({.source = source.empty() ? facts.shared.host.string() : source,
                        .destination = facts.shared.host.string()});
  if (!backend.folder.empty()) {
    spec.binds.push_back({.source = backend.folder,
                          .destination = backend.folder,
                          .create = backend.missing == BackendChoice::Missing::make});
  }
  return spec;
}

Result<void> check_socket_paths(const JobFolder& job) {
  const auto path = job.control().host.string();
  if (path.size() > k_socket_limit) {
    return fail(Errc::invalid, "the socket {} would have a path over {} bytes, the limit of Unix sockets",
                path, k_socket_limit);
  }
  return {};
}

}  // namespace agent::action
