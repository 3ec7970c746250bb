#include "agent/action/job_entry.hpp"

#include <utility>

namespace agent::action {

namespace {

constexpr std::chrono::seconds k_lock_wait{90};  // another step that starts the agent may take half a minute

Result<void> prepare_folder(const SharedFolder& shared, const JobFolder& job) {
  AGENT_TRY(const auto owner, io::owner_of(shared.here));
  AGENT_CHECK(io::make_folders(job.folder.here));
  return io::give_to(job.folder.here, owner);
}

}  // namespace

Result<JobEntry> enter_job(const Stage& stage, const Plan& plan) {
  AGENT_TRY(const auto shared, find_shared_folder(stage.environment, stage.arguments, stage.root));
  const JobFolder job{shared / "hearth"};
  AGENT_CHECK(prepare_folder(shared, job));
  AGENT_TRY(auto state, LockedJobState::open(job.folder.here, stage.runner.job_identity(), k_lock_wait));
  auto user = io::variable_in(stage.environment, "STATE_user");  // what this step's pre saved
  if (user.empty()) {
    user = random_hex(8);
    AGENT_CHECK(stage.commands.save_state("user", user));
  }
  state->add_user(user);
  state->tag = plan.tag.tag;
  state->mode = plan.mode();
  AGENT_CHECK(state.save());
  return JobEntry{.shared = shared, .job = job, .state = std::move(state)};
}

}  // namespace agent::action
