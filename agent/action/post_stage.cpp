#include <chrono>
#include <optional>
#include <thread>

#include "agent/action/agent_start.hpp"
#include "agent/action/control.hpp"
#include "agent/action/planned.hpp"
#include "agent/action/stage.hpp"
#include "agent/action/without_docker.hpp"
#include "agent/app/compilations.hpp"
#include "agent/doctor/admission.hpp"
#include "agent/doctor/diagnosis.hpp"
#include "agent/report/markdown.hpp"
#include "agent/report/notices.hpp"
#include "agent/sccache/install.hpp"
#include "agent/sccache/server.hpp"
#include "agent/sccache/server_log.hpp"

namespace agent::action {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr seconds k_lock_wait{90};
constexpr seconds k_drain_deadline{60};
constexpr seconds k_end_wait{10};  // from the agent's answer to its container's end
constexpr seconds k_stop_grace{5};

struct Outcome {
  report::Figures figures;
  report::Ending ending = report::Ending::drained;
};

// What is known of an agent that no longer answers: its last record, and sccache's own word.
report::Figures figures_left_behind(const JobFolder& job, const AgentRecord& agent) {
  if (auto figures = read_record(job.record().here)) {
    return *std::move(figures);
  }
  report::Figures figures;
  figures.tag = agent.tag;
  figures.backend = agent.backend;
  figures.mode = agent.mode;
  return figures;
}

// The agent asks sccache's server and stops it when it drains; without an agent it is up to us.
void end_sccache(const Stage& stage, const JobFolder& job, report::Figures& figures) {
  const auto folder = job.sccache().here;
  sccache::Server server({.real = folder / "bin" / sccache::k_real,
                          .socket = folder / sccache::k_socket,
                          .state = folder / sccache::k_state});
  if (server.take_snapshot(seconds(10))) {
    app::add_compilations(figures, *server.statistics());
  }
  const auto mode = app::parse_sccache_mode(figures.sccache_mode);
  app::add_launcher_events(figures, server.events(), mode.value_or(app::SccacheMode::proxy));
  if (const auto stopped = server.stop(seconds(15)); !stopped) {
    stage.log.line(stopped.error().message);
  }
}

Outcome drain(const Stage& stage, const JobFolder& job, const AgentRecord& agent) {
  stage.log.line("Publishing what this job added");
  if (auto figures = drain_agent(job.control().here, k_drain_deadline)) {
    const bool late = figures->pending.value_or(0) > 0;
    return {.figures = *std::move(figures), .ending = late ? report::Ending::late : report::Ending::drained};
  }
  Outcome outcome{.figures = {}, .ending = report::Ending::died};
  if (auto figures = ask_status(job.control().here, seconds(5))) {
    outcome = {.figures = *std::move(figures), .ending = report::Ending::late};
  } else {
    outcome.figures = figures_left_behind(job, agent);
  }
  end_sccache(stage, job, outcome.figures);
  return outcome;
}

// Having drained it ends by itself, and Docker removes its container; what is left after a while is removed
// by us.
void end_container(const Stage& stage, const AgentRecord& agent) {
  auto docker = DockerApi::connect(stage.docker_socket());
  if (!docker) {
    stage.log.warning(
        fmt::format("The agent's container {} may be left: {}", agent.container, docker.error().message));
    return;
  }
  const auto deadline = steady_clock::now() + k_end_wait;
  while (steady_clock::now() < deadline && !stage.stop.stop_requested()) {
    const auto state = docker->inspect(agent.container);
    if (!state && state.error().code == Errc::not_found) {
      return;
    }
    if (state && !state->running) {
      break;
    }
    std::this_thread::sleep_for(milliseconds(100));
  }
  if (const auto removed = remove_agent(*docker, agent, k_stop_grace); !removed) {
    stage.log.warning(fmt::format("The agent's container is left: {}", removed.error().message));
  }
}

void end_unused(const Stage& stage, const AgentRecord& agent) {
  auto docker = DockerApi::connect(stage.docker_socket());
  const auto removed = docker ? remove_agent(*docker, agent, k_stop_grace) : std::unexpected(docker.error());
  if (!removed) {
    stage.log.warning(
        fmt::format("The agent's container {} is left: {}", agent.container, removed.error().message));
  }
}

// Why hits are low, as far as this container can see: figures, sccache's log, the job's environment and the
// files of the workspace.
void add_verdicts(const Stage& stage, const JobFolder& job, const Inputs& inputs, report::Figures& figures) {
  const auto& workspace = stage.runner.workspace;
  if (!doctor::is_called_for(figures, inputs.min_hit_rate, workspace)) {
    return;
  }
  auto chart = doctor::chart_of_figures(figures, workspace, stage.environment);
  chart.min_hit_rate = inputs.min_hit_rate;
  if (const auto log = io::read_tail(job.sccache().here / sccache::k_log, sccache::k_most_log_bytes)) {
    chart.log = sccache::parse_server_log(*log);
  }
  figures.verdicts = doctor::examine(chart).verdicts;
}

void say(const Stage& stage, const JobFolder& job, const Outcome& outcome, bool with_summary) {
  const auto json = io::write_file(job.summary().here, report::to_json(outcome.figures).dump(2) + "\n");
  if (!json) {
    stage.log.line(fmt::format("No summary.json: {}", json.error().message));
  }
  if (with_summary) {
    const auto written = stage.commands.append_summary(report::markdown(outcome.figures, outcome.ending));
    if (!written) {
      stage.log.line(fmt::format("No job summary: {}", written.error().message));
    }
  }
  if (outcome.ending == report::Ending::not_started) {
    return;  // main has said so
  }
  for (const auto& notice : report::notices(outcome.figures, outcome.ending)) {
    stage.log.command(notice);
  }
}

// The runner empties its folder as its own user: nothing of root's may be in the way.
void tidy(const Stage& stage, const SharedFolder& shared, const JobFolder& job) {
  std::error_code ignored;
  for (const auto& path : {job.agent().here, job.sccache().here, job.ccache().here, job.sentinel().here,
                           job.folder.here / "job.json", job.folder.here / "job.lock"}) {
    fs::remove_all(path, ignored);
  }
  const auto owner = io::owner_of(shared.here);
  const auto given = owner ? io::give_tree_to(job.folder.here, *owner) : std::unexpected(owner.error());
  if (!given) {
    stage.log.line(given.error().message);
  }
}

// What an agent beside the steps would have done all the time.
Outcome save(const Stage& stage, const SharedFolder& shared, const JobFolder& job, const AgentRecord& agent) {
  stage.log.line("Publishing what this job added");
  const auto planned = read_plan(stage);
  auto figures = planned ? save_without_docker({.inputs = planned->inputs,
                                                .runner = stage.runner,
                                                .plan = planned->plan,
                                                .job = job,
                                                .shared = shared,
                                                .docker_socket = {},
                                                .log = stage.log,
                                                .stop = stage.stop},
                                               k_drain_deadline)
                         : std::unexpected(planned.error());
  if (figures) {
    const bool late = figures->pending.value_or(0) > 0;
    return {.figures = *std::move(figures), .ending = late ? report::Ending::late : report::Ending::drained};
  }
  Outcome outcome{.figures = figures_left_behind(job, agent), .ending = report::Ending::died};
  outcome.figures.sccache_mode = app::name_of(app::SccacheMode::disk);
  outcome.figures.notes.push_back(figures.error().message);
  end_sccache(stage, job, outcome.figures);
  return outcome;
}

bool is_cache_error(const Outcome& outcome) {
  return outcome.ending != report::Ending::drained || outcome.figures.pending.value_or(0) > 0;
}

Outcome without_agent(const JobState& state) {
  Outcome outcome{.figures = {}, .ending = report::Ending::not_started};
  outcome.figures.tag = state.tag;
  outcome.figures.mode = state.mode;
  outcome.figures.backend = "none";
  if (!state.trouble.empty()) {
    outcome.figures.notes.push_back(state.trouble);
  }
  return outcome;
}

int finish_job(const Stage& stage, const Inputs& inputs, const SharedFolder& shared, LockedJobState& state) {
  const JobFolder job{shared / "hearth"};
  if (state->agent && !state->agent->begun_for.empty()) {
    stage.log.line("The step itself did not run: the agent that pre started ends unused");
    end_unused(stage, *state->agent);
    tidy(stage, shared, job);
    return k_ok;
  }
  const bool had_agent = state->agent.has_value();
  const bool had_container = had_agent && !state->agent->without_docker;
  auto outcome = had_container ? drain(stage, job, *state->agent)
                 : had_agent   ? save(stage, shared, job, *state->agent)
                               : without_agent(*state);
  if (had_container) {
    end_container(stage, *state->agent);
  }
  if (outcome.ending == report::Ending::died && had_container) {
    stage.log.group("The agent's log");
    stage.log.quote(io::read_file(job.log().here, std::uint64_t{1} << 20U).value_or("(none)"));
    stage.log.end_group();
  }
  if (had_agent) {
    add_verdicts(stage, job, inputs, outcome.figures);
  }
  say(stage, job, outcome, inputs.summary);
  tidy(stage, shared, job);
  if (inputs.fail_on_cache_error && had_agent && is_cache_error(outcome)) {
    stage.log.error("fail-on-cache-error: not everything that was compiled has been published");
    return k_cache_error;
  }
  return k_ok;
}

}  // namespace

int run_post(const Stage& stage) {
  const auto inputs =
      read_inputs(stage.environment).value_or(Inputs{});  // pre and main complained of wrong ones
  const auto shared = find_shared_folder(stage.environment, stage.arguments, stage.root);
  const auto user = io::variable_in(stage.environment, "STATE_user");
  if (!shared || user.empty()) {
    stage.log.line("This step started no agent");
    return k_ok;
  }
  const auto folder = (*shared / "hearth").here;
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    stage.log.warning(
        "The job's folder has vanished from the runner's temporary folder; the agent ends by itself");
    return k_ok;
  }
  auto state = LockedJobState::open(folder, stage.runner.job_identity(), k_lock_wait);
  if (!state) {
    stage.log.warning(state.error().message);
    return k_ok;
  }
  if (!(*state)->drop_user(user)) {
    stage.log.line(fmt::format("The agent stays for {} more of this job's steps", (*state)->users.size()));
    if (const auto saved = state->save(); !saved) {
      stage.log.line(saved.error().message);
    }
    return k_ok;
  }
  return finish_job(stage, inputs, *shared, *state);
}

}  // namespace agent::action
