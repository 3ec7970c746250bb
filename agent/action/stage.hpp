// What every stage of the action starts from. Used by one thread.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "agent/action/file_commands.hpp"
#include "agent/action/runner_environment.hpp"
#include "agent/action/workflow_log.hpp"
#include "agent/io/process.hpp"

namespace agent::action {

struct Stage {
  io::Environment environment;
  Arguments arguments;
  RunnerEnvironment runner;
  WorkflowLog log;
  FileCommands commands;
  std::stop_token stop;  // the job was cancelled, or the step ran out of time
  fs::path root = "/";   // where /github and Docker's socket are; another folder in tests

  fs::path docker_socket() const { return root / "var/run/docker.sock"; }
};

// Exit codes.
constexpr int k_ok = 0;
constexpr int k_cache_error = 1;  // with fail-on-cache-error
constexpr int k_invalid_input = 2;
constexpr int k_miss = 3;  // with fail-on-miss

// Checks the inputs before the job's steps begin, so that a typing error costs seconds; where the tag is
// known by then the job's agent starts, and preloads while the steps check out.
int run_pre(const Stage& stage);

// Starts the job's agent, or attaches to it, and points the steps' tools at it.
int run_main(const Stage& stage);

// The last one of a job publishes, ends the agent and says what it was worth.
int run_post(const Stage& stage);

}  // namespace agent::action
