// How a step enters the job's folder: makes it, takes the lock on what the steps know together, and is
// counted among the users of the agent, once per step, whichever stage of it came first. Used by one thread;
// blocks while another step holds the lock.
#pragma once

#include "agent/action/job_state.hpp"
#include "agent/action/planned.hpp"
#include "agent/action/sibling.hpp"
#include "agent/action/stage.hpp"

namespace agent::action {

struct JobEntry {
  SharedFolder shared;
  JobFolder job;
  LockedJobState state;
};

// Errors: not_found (no shared folder), cancelled (another step held the lock all the time), io, denied.
Result<JobEntry> enter_job(const Stage& stage, const Plan& plan);

}  // namespace agent::action
