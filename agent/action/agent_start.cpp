#include "agent/action/agent_start.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <thread>

#include "agent/action/control.hpp"
#include "agent/action/file_commands.hpp"
#include "agent/action/without_docker.hpp"
#include "agent/core/text.hpp"
#include "agent/sccache/install.hpp"

namespace agent::action {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr seconds k_ready_deadline{30};
constexpr milliseconds k_ready_poll{50};
constexpr milliseconds k_alive_poll{1000};
constexpr std::uint64_t k_max_log = std::uint64_t{1} << 20U;
constexpr std::size_t k_quoted_bytes = 2000;

// A container's host name is the start of its id, because the runner gives it no other (checked by running).
Result<ContainerFacts> inspect_own(DockerApi& docker) {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) {
    return fail_errno("ask for", "the host name", errno);
  }
  const std::string_view own(name.data());
  auto facts = docker.inspect(own);
  if (!facts) {
    return with_context("this container cannot find itself in Docker", facts.error());
  }
  if (!facts->id.starts_with(own)) {
    return fail(Errc::not_found, "this container cannot find itself in Docker: '{}' is another's name", own);
  }
  return facts;
}

// A runner has one job at a time, so what serves its folder and is not this job's is left over.
void remove_leftovers(DockerApi& docker, const StartFacts& facts) {
  const auto found = docker.find(k_sibling_label, facts.shared.host.string());
  if (!found) {
    return;
  }
  for (const auto& id : *found) {
    facts.log.line(fmt::format("Removing {}, an agent that an earlier job left behind", id.substr(0, 12)));
    AgentRecord leftover;
    leftover.container = id;
    if (auto removed = remove_agent(docker, leftover, seconds(10)); !removed) {
      facts.log.line(removed.error().message);
    }
  }
}

Result<void> remove_tree(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) {
    return fail_errno("remove", path.string(), error.value());
  }
  return {};
}

Result<Secret> prepare_folders(const StartFacts& facts) {
  const auto& job = facts.job;
  AGENT_TRY(const auto owner, io::owner_of(facts.shared.here));
  for (const auto& folder : {job.agent().here, job.sccache().here}) {
    AGENT_CHECK(remove_tree(folder));
    AGENT_CHECK(io::make_folders(folder));
    AGENT_CHECK(io::give_to(folder, owner));
  }
  AGENT_CHECK(io::write_file(job.sentinel().here, "The agent of this job ends when this file vanishes.\n"));
  AGENT_CHECK(io::give_to(job.sentinel().here, owner));
  Secret token(random_hex(32));
  AGENT_CHECK(io::write_file(job.token().here, token.reveal() + "\n", {.mode = 0600}));
  if (const auto& variables = facts.plan.backend.variables; !variables.empty()) {
    AGENT_CHECK(io::write_file(job.secrets().here, app::encode_variables(variables), {.mode = 0600}));
  }
  return token;
}

// The end of the agent's own log, whole lines.
std::string last_words(const JobFolder& job) {
  auto text = io::read_file(job.log().here, k_max_log).value_or("");
  if (text.size() > k_quoted_bytes) {
    text.erase(0, text.size() - k_quoted_bytes);
    text.erase(0, text.find('\n') + 1);
  }
  return std::string(trimmed(text));
}

std::unexpected<Error> agent_died(const StartFacts& facts, std::string_view what) {
  const auto words = last_words(facts.job);
  if (words.empty()) {
    return fail(Errc::io, "the agent {}", what);
  }
  const auto lines = split(words, '\n');
  return fail(Errc::io, "the agent {}: {}", what, trimmed(lines.back()));
}

Result<Ready> wait_until_ready(const StartFacts& facts, DockerApi& docker, std::string_view container) {
  const auto begin = steady_clock::now();
  auto next_look = begin + k_alive_poll;
  while (!facts.stop.stop_requested()) {
    if (auto ready = read_ready(facts.job.ready().here)) {
      return ready;
    }
    const auto now = steady_clock::now();
    if (now >= next_look) {
      next_look = now + k_alive_poll;
      const auto state = docker.inspect(container);
      if ((state && !state->running) || (!state && state.error().code == Errc::not_found)) {
        return agent_died(facts, "ended before it was ready");
      }
    }
    if (now - begin > k_ready_deadline) {
      return agent_died(facts, fmt::format("was not ready within {}", human_duration(k_ready_deadline)));
    }
    std::this_thread::sleep_for(k_ready_poll);
  }
  return fail(Errc::cancelled, "cancelled while the agent started");
}

// The steps of a job container run as its user; those on the host as the owner of the runner's folder.
Result<io::Owner> owner_of_steps(const StartFacts& facts, DockerApi& docker) {
  AGENT_TRY(auto owner, io::owner_of(facts.shared.here));
  if (!uses_job_network(facts.runner)) {
    return owner;
  }
  AGENT_TRY(const auto container, docker.inspect(facts.runner.job_container));
  const auto parts = split(container.user, ':');
  if (const auto user = parse_number(parts.front(), "user"); user && *user > 0) {
    owner.user = static_cast<unsigned>(*user);
    if (const auto group = parse_number(parts.back(), "group")) {
      owner.group = static_cast<unsigned>(*group);
    }
  }
  return owner;
}

// The launcher is static and runs anywhere; the real sccache needs glibc.
Result<void> check_in_job_container(const StartFacts& facts, DockerApi& docker) {
  if (!uses_job_network(facts.runner)) {
    return {};
  }
  const auto real = facts.job.sccache().steps / "bin" / sccache::k_real;
  const auto code = docker.execute(facts.runner.job_container, {real.string(), "--version"}, seconds(15));
  if (!code || *code != 0) {
    return fail(
        Errc::unsupported,
        "sccache does not run in the job's container{}: it needs glibc 2.17 or later, so images with musl "
        "(Alpine) stay uncached",
        code ? std::string{} : fmt::format(" ({})", code.error().message));
  }
  return {};
}

Result<void> install_sccache(const StartFacts& facts, DockerApi& docker, const Ready& ready,
                             const Secret& token) {
  std::error_code ignored;
  const auto program = fs::read_symlink("/proc/self/exe", ignored);
  const auto environment = io::current_environment();
  AGENT_TRY(const auto launcher, sccache::find_launcher(environment, program));
  AGENT_TRY(const auto real, sccache::find_real(environment, program));
  AGENT_TRY(const auto owner, owner_of_steps(facts, docker));
  const auto folder = facts.job.sccache();
  std::optional<sccache::DiskCache> disk;
  if (ready.sccache_cache_size) {
    disk = sccache::DiskCache{.folder = facts.job.sccache_cache().steps,
                              .size_bytes = *ready.sccache_cache_size};
  }
  AGENT_CHECK(sccache::install({.folder = folder.here,
                                .seen_folder = folder.steps,
                                .launcher = launcher,
                                .real = real,
                                .copy_real = true,
                                .endpoint = ready.endpoint,
                                .key_prefix = {},
                                .token = token,
                                .disk = disk,
                                .owner = owner}));
  return check_in_job_container(facts, docker);
}

// From here on there is a container to remove if anything fails.
Result<AgentRecord> run_sibling_container(const StartFacts& facts, DockerApi& docker,
                                          const ContainerSpec& spec) {
  AGENT_TRY(const auto token, prepare_folders(facts));
  facts.log.mask(token);
  AGENT_TRY(const auto id, docker.create(spec));
  AGENT_CHECK(docker.start(id));
  AGENT_TRY(const auto ready, wait_until_ready(facts, docker, id));
  AGENT_TRY(const auto figures, ask_status(facts.job.control().here, seconds(5)));
  AGENT_CHECK(install_sccache(facts, docker, ready, token));
  return AgentRecord{.container = spec.name,
                     .network = uses_job_network(facts.runner) ? facts.runner.job_network : std::string{},
                     .endpoint = ready.endpoint,
                     .tag = facts.plan.tag.tag,
                     .backend = figures.backend.empty() ? facts.plan.backend.url : figures.backend,
                     .mode = facts.plan.mode(),
                     .cache_hit = figures.tag_objects.value_or(0) > 0};
}

// `why` is why there is no Docker.
Result<void> start_without_docker(const StartFacts& facts, LockedJobState& state, const Error& why) {
  if (facts.inputs.sccache_mode == app::SccacheMode::proxy || facts.plan.backend.url == "none") {
    return std::unexpected(why);
  }
  AGENT_TRY(state->agent, restore_without_docker(facts));
  facts.log.notice("Hearth",
                   fmt::format("{}: sccache works in disk mode, and what it adds is published at the "
                               "end of the job",
                               why.message));
  return state.save();
}

}  // namespace

bool attach(const StartFacts& facts, JobState& state) {
  if (!state.agent) {
    return false;
  }
  if (state.agent->without_docker) {
    return true;
  }
  if (const auto status = ask_status(facts.job.control().here, seconds(5))) {
    return true;
  }
  facts.log.line(
      fmt::format("The agent {} of this job answers no more; starting another", state.agent->container));
  state.agent.reset();
  return false;
}

Result<void> remove_agent(DockerApi& docker, const AgentRecord& agent, seconds grace) {
  auto stopped = docker.stop(agent.container, grace);
  if (!agent.network.empty()) {
    // It may be gone already. A container that is still on it would keep the runner from removing the
    // network.
    const auto left = docker.disconnect(agent.network, agent.container);
    static_cast<void>(left);
  }
  if (auto removed = docker.remove(agent.container); !removed) {
    return removed;
  }
  return stopped;
}

Result<void> start_agent(const StartFacts& facts, LockedJobState& state) {
  auto connected = DockerApi::connect(facts.docker_socket);
  if (!connected) {
    return start_without_docker(facts, state, connected.error());
  }
  auto& docker = *connected;
  AGENT_CHECK(check_socket_paths(facts.job));
  AGENT_TRY(const auto own, inspect_own(docker));
  remove_leftovers(docker, facts);
  const auto spec = sibling_spec({.inputs = facts.inputs,
                                  .runner = facts.runner,
                                  .plan = facts.plan,
                                  .job = facts.job,
                                  .own = own,
                                  .shared = facts.shared,
                                  .name = "hearth-" + random_hex(6)});
  // Written down before it exists: if this stage is killed half-way, post still finds it.
  state->agent = AgentRecord{};
  state->agent->container = spec.name;
  AGENT_CHECK(state.save());
  auto started = run_sibling_container(facts, docker, spec);
  std::error_code ignored;
  fs::remove(facts.job.secrets().here, ignored);  // where the agent did not come so far
  if (started) {
    state->agent = *std::move(started);
    return state.save();
  }
  if (const auto words = last_words(facts.job); !words.empty()) {
    facts.log.group("The agent's log");
    facts.log.quote(words);
    facts.log.end_group();
  }
  const auto removed = remove_agent(docker, *state->agent, seconds(2));
  state->agent.reset();
  const auto saved = state.save();
  if (!removed || !saved) {
    facts.log.line(removed ? saved.error().message : removed.error().message);
  }
  return std::unexpected(started.error());
}

}  // namespace agent::action
