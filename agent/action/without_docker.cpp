#include "agent/action/without_docker.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <system_error>
#include <utility>

#include "agent/app/agent.hpp"
#include "agent/sccache/install.hpp"

namespace agent::action {

namespace {

constexpr std::string_view k_disk = "disk://";

// `path` below `from`, moved below `to`.
std::optional<fs::path> moved(const fs::path& path, const fs::path& from, const fs::path& to) {
  const auto inner = path.lexically_relative(from);
  if (from.empty() || inner.empty() || *inner.begin() == "..") {
    return std::nullopt;
  }
  return inner == "." ? to : to / inner;
}

// A folder that is not of this container's own file system, which is gone with it.
bool is_mounted(const fs::path& folder) {
  struct stat own{};
  struct stat other{};
  return ::stat("/", &own) == 0 && ::stat(folder.c_str(), &other) == 0 && S_ISDIR(other.st_mode) &&
         own.st_dev != other.st_dev;
}

Result<app::Config> agent_config(const StartFacts& facts) {
  const auto& plan = facts.plan;
  const auto& job = facts.job;
  app::Config config;
  config.address.clear();  // nobody could ask it
  config.store = job.agent().here / "store";
  AGENT_TRY(config.backend, backend_from_here(facts));
  config.variables = app::only_these(plan.backend.variables);
  config.chain.own = {.repository = plan.scopes.repository, .scope = plan.scopes.own, .tag = plan.tag.tag};
  for (const auto& scope : plan.scopes.also) {
    config.chain.also.push_back({.repository = plan.scopes.repository, .scope = scope, .tag = plan.tag.tag});
  }
  AGENT_TRY(config.mode, publish::parse_mode(plan.mode()));
  config.producer = producer_of(facts.runner);
  config.run = run_of(facts.runner);
  config.max_size_bytes = facts.inputs.max_size_bytes;
  config.max_tag_bytes = facts.inputs.max_tag_bytes;
  config.min_free_bytes = facts.inputs.min_free_bytes;
  config.sccache_mode = app::SccacheMode::disk;
  config.sccache_dir = job.sccache_cache().here;
  if (facts.inputs.tools.ccache) {
    config.ccache_dir = job.ccache_cache().here;
  }
  config.checkout = checkout_path(facts.shared, facts.runner);
  return config;
}

Result<void> prepare_folders(const StartFacts& facts, const io::Owner& owner) {
  const auto& job = facts.job;
  for (const auto& folder : {job.agent().here, job.sccache().here, job.ccache().here}) {
    std::error_code error;
    fs::remove_all(folder, error);
    AGENT_CHECK(io::make_folders(folder));
    AGENT_CHECK(io::give_to(folder, owner));
  }
  return {};
}

Result<void> install_sccache(const StartFacts& facts, const sccache::DiskCache& disk,
                             const io::Owner& owner) {
  std::error_code ignored;
  const auto program = fs::read_symlink("/proc/self/exe", ignored);
  const auto environment = io::current_environment();
  AGENT_TRY(const auto launcher, sccache::find_launcher(environment, program));
  AGENT_TRY(const auto real, sccache::find_real(environment, program));
  const auto folder = facts.job.sccache();
  AGENT_CHECK(sccache::install(
      {.folder = folder.here,
       .seen_folder = folder.steps,
       .launcher = launcher,
       .real = real,
       .copy_real = true,
       .endpoint = {},
       .key_prefix = {},
       .token = {},
       .disk = sccache::DiskCache{.folder = facts.job.sccache_cache().steps, .size_bytes = disk.size_bytes},
       .owner = owner}));
  return {};
}

struct Filled {
  sccache::DiskCache disk;
  report::Figures figures;
};

// Its store goes with it: the runner empties its folder as its own user, and we are root.
Result<Filled> fill(const StartFacts& facts) {
  AGENT_TRY(auto config, agent_config(facts));
  const auto store = config.store;
  AGENT_TRY(auto agent, app::Agent::start(std::move(config)));
  const auto disk = agent->disk_cache();
  auto figures = agent->figures();
  agent.reset();
  std::error_code ignored;
  fs::remove_all(store, ignored);
  if (!disk) {
    return fail(Errc::io, "{}",
                figures.notes.empty() ? "sccache's folder could not be filled" : figures.notes.back());
  }
  return Filled{.disk = *disk, .figures = std::move(figures)};
}

}  // namespace

Result<std::string> backend_from_here(const StartFacts& facts) {
  const auto& backend = facts.plan.backend;
  if (backend.folder.empty()) {
    return backend.url;
  }
  const fs::path folder(backend.folder);
  const auto& shared = facts.shared;
  for (const auto& [from, to] :
       {std::pair(shared.host, shared.here),
        std::pair(fs::path(checkout_path({.here = {}, .host = {}, .steps = shared.host}, facts.runner)),
                  facts.runner.workspace)}) {
    if (const auto here = moved(folder, from, to)) {
      AGENT_CHECK(io::make_folders(here->parent_path()));
      return std::string(k_disk) + here->string();
    }
  }
  if (is_mounted(folder)) {
    return backend.url;
  }
  return fail(
      Errc::unsupported,
      "there is no Docker socket, and without one {} of the host is out of reach: choose a backend behind "
      "a network, such as github, or a folder in the workspace",
      backend.folder);
}

Result<AgentRecord> restore_without_docker(const StartFacts& facts) {
  AGENT_TRY(const auto owner, io::owner_of(facts.shared.here));
  AGENT_CHECK(prepare_folders(facts, owner));
  AGENT_TRY(const auto filled, fill(facts));
  AGENT_CHECK(install_sccache(facts, filled.disk, owner));
  AGENT_CHECK(io::give_tree_to(facts.job.ccache().here, owner));
  for (const auto& note : filled.figures.notes) {
    facts.log.line(note);
  }
  AgentRecord record;
  record.without_docker = true;
  record.tag = facts.plan.tag.tag;
  record.backend = facts.plan.backend.url;
  record.mode = facts.plan.mode();
  record.cache_hit = filled.figures.tag_objects.value_or(0) > 0;
  return record;
}

Result<report::Figures> save_without_docker(const StartFacts& facts, std::chrono::seconds deadline) {
  AGENT_TRY(auto config, agent_config(facts));
  const auto sccache = facts.job.sccache().here;
  config.preload_bytes = 0;
  config.sccache_real = sccache / "bin" / sccache::k_real;
  config.sccache_socket = sccache / sccache::k_socket;
  config.launcher_state = sccache / sccache::k_state;
  AGENT_TRY(const auto agent, app::Agent::start(std::move(config)));
  auto figures = agent->drain(deadline);
  figures.backend = facts.plan.backend.url;
  figures.preload_seconds.reset();  // that was main's; reading the tag again is nothing a job waits for
  return figures;
}

}  // namespace agent::action
