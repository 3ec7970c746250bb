// One build through one leg, timed. Used by one thread at a time per folder.
#pragma once

#include <stop_token>

#include "agent/bench/results.hpp"
#include "agent/bench/session.hpp"
#include "agent/core/result.hpp"

namespace agent::bench {

struct BuildOrder {
  const LegPlan& leg;
  io::fs::path project;  // where to build
  std::string tag;
  io::fs::path store;    // hearth's local store, or sccache's own folder
  io::fs::path backend;  // of hearth, where the leg names none
};

// `sh -c command` in `project`, discarding what it prints. Errors: io, quoting the end of what it said;
// cancelled.
Result<void> run_shell(const Plan& plan, const std::string& command, const io::fs::path& project,
                       const std::stop_token& stop);

// Errors: as measure().
Result<Build> build(const Plan& plan, const BuildOrder& order, const std::stop_token& stop);

// All at once. They share sccache's folder and server where they are of the leg without hearth.
Result<Build> build_all(const Plan& plan, const std::vector<BuildOrder>& orders, const std::stop_token& stop);

}  // namespace agent::bench
