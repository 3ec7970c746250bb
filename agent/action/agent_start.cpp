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
#include "agent/io/checksum.hpp"
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
constexpr std::uint64_t k_max_token = 4096;
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

Result<void> prepare_folders(const StartFacts& facts) {
  const auto& job = facts.job;
  AGENT_TRY(const auto owner, io::owner_of(facts.shared.here));
  for (const auto& folder : {job.agent().here, job.sccache().here, job.ccache().here}) {
    AGENT_CHECK(remove_tree(folder));
    AGENT_CHECK(io::make_folders(folder));
    AGENT_CHECK(io::give_to(folder, owner));
  }
  AGENT_CHECK(io::write_file(job.sentinel().here, "The agent of this job ends when this file vanishes.\n"));
  AGENT_CHECK(io::give_to(job.sentinel().here, owner));
  const Secret token(random_hex(32));
  facts.log.mask(token);
  for (const auto& file : {job.token().here, job.steps_token().here}) {
    AGENT_CHECK(io::write_file(file, token.reveal() + "\n", {.mode = 0600}));
  }
  if (const auto& variables = facts.plan.backend.variables; !variables.empty()) {
    AGENT_CHECK(io::write_file(job.secrets().here, app::encode_variables(variables), {.mode = 0600}));
  }
  return {};
}

// Read once and removed.
Result<Secret> take_steps_token(const StartFacts& facts) {
  const auto& file = facts.job.steps_token().here;
  AGENT_TRY(const auto text, io::read_file(file, k_max_token));
  std::error_code ignored;
  fs::remove(file, ignored);
  return Secret(std::string(trimmed(text)));
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
  if (facts.inputs.tools.ccache) {
    AGENT_CHECK(io::give_tree_to(facts.job.ccache().here, owner));
  }
  return check_in_job_container(facts, docker);
}

// What an agent was started for: whatever its container gets told, and what opens its backend.
std::string mark_of(const ContainerSpec& spec, const app::SecretVariables& variables) {
  std::string text = spec.network + "\n" + spec.image + "\n";
  for (const auto& argument : spec.command) {
    text += argument + "\n";
  }
  for (const auto& bind : spec.binds) {
    text += bind.source + ":" + bind.destination + "\n";
  }
  text += app::encode_variables(variables);
  return io::sha256(io::bytes_of(text)).hex();
}

Result<ContainerSpec> own_sibling(const StartFacts& facts, DockerApi& docker) {
  AGENT_TRY(const auto own, inspect_own(docker));
  return sibling_spec({.inputs = facts.inputs,
                       .runner = facts.runner,
                       .plan = facts.plan,
                       .job = facts.job,
                       .own = own,
                       .shared = facts.shared,
                       .name = "hearth-" + random_hex(6)});
}

// From here on there is a container to remove if anything fails.
Result<void> run_sibling_container(const StartFacts& facts, DockerApi& docker, const ContainerSpec& spec) {
  AGENT_CHECK(prepare_folders(facts));
  AGENT_TRY(const auto id, docker.create(spec));
  return docker.start(id);
}

Result<void> await_agent(const StartFacts& facts, DockerApi& docker, AgentRecord& agent) {
  AGENT_TRY(const auto ready, wait_until_ready(facts, docker, agent.container));
  AGENT_TRY(const auto figures, ask_status(facts.job.control().here, seconds(5)));
  AGENT_TRY(const auto token, take_steps_token(facts));
  AGENT_CHECK(install_sccache(facts, docker, ready, token));
  agent.network = uses_job_network(facts.runner) ? facts.runner.job_network : std::string{};
  agent.endpoint = ready.endpoint;
  agent.tag = facts.plan.tag.tag;
  agent.backend = figures.backend.empty() ? facts.plan.backend.url : figures.backend;
  agent.mode = facts.plan.mode();
  agent.cache_hit = figures.tag_objects.value_or(0) > 0;
  agent.begun_for.clear();
  return {};
}

// Takes back what was begun and did not come to its end.
void forget(const StartFacts& facts, DockerApi& docker, LockedJobState& state) {
  const auto removed = remove_agent(docker, *state->agent, seconds(2));
  state->agent.reset();
  const auto saved = state.save();
  if (!removed || !saved) {
    facts.log.line(removed ? saved.error().message : removed.error().message);
  }
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

Result<void> begin_agent(const StartFacts& facts, LockedJobState& state) {
  AGENT_TRY(auto docker, DockerApi::connect(facts.docker_socket));
  AGENT_CHECK(check_socket_paths(facts.job));
  remove_leftovers(docker, facts);
  AGENT_TRY(const auto spec, own_sibling(facts, docker));
  // Written down before it exists: if this stage is killed half-way, post still finds it.
  state->agent = AgentRecord{};
  state->agent->container = spec.name;
  state->agent->network = uses_job_network(facts.runner) ? facts.runner.job_network : std::string{};
  state->agent->begun_for = mark_of(spec, facts.plan.backend.variables);
  AGENT_CHECK(state.save());
  if (auto run = run_sibling_container(facts, docker, spec); !run) {
    forget(facts, docker, state);
    return run;
  }
  return {};
}

bool join_agent(const StartFacts& facts, LockedJobState& state) {
  if (!state->agent || state->agent->begun_for.empty()) {
    return false;
  }
  auto docker = DockerApi::connect(facts.docker_socket);
  if (!docker) {
    state->agent.reset();
    return false;
  }
  const auto spec = own_sibling(facts, *docker);
  const bool wanted = spec && state->agent->begun_for == mark_of(*spec, facts.plan.backend.variables);
  auto joined = wanted ? await_agent(facts, *docker, *state->agent)
                       : fail(Errc::invalid, "the step asks for another one than was known then");
  std::error_code ignored;
  fs::remove(facts.job.secrets().here, ignored);
  if (joined) {
    joined = state.save();
  }
  if (!joined) {
    facts.log.line(
        fmt::format("The agent that was started before the job's steps ends: {}", joined.error().message));
    forget(facts, *docker, state);
  }
  return joined.has_value();
}

Result<void> start_agent(const StartFacts& facts, LockedJobState& state) {
  auto docker = DockerApi::connect(facts.docker_socket);
  if (!docker) {
    return start_without_docker(facts, state, docker.error());
  }
  AGENT_CHECK(begin_agent(facts, state));
  auto started = await_agent(facts, *docker, *state->agent);
  std::error_code ignored;
  fs::remove(facts.job.secrets().here, ignored);  // where the agent did not come so far
  if (started) {
    return state.save();
  }
  if (const auto words = last_words(facts.job); !words.empty()) {
    facts.log.group("The agent's log");
    facts.log.quote(words);
    facts.log.end_group();
  }
  forget(facts, *docker, state);
  return started;
}

}  // namespace agent::action
