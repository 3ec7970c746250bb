// Measures: builds a project cold and warm through each leg, interleaved, so that what else goes on in the
// machine touches all of them alike. One session at a time; used by one thread. Blocks for as long as the
// builds take.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "agent/bench/results.hpp"
#include "agent/core/result.hpp"
#include "agent/io/file.hpp"
#include "agent/io/process.hpp"

namespace agent::bench {

// A way to build. Without `through_hearth` it is sccache on its own local disk.
struct LegPlan {
  std::string name;
  bool through_hearth = true;
  std::string backend;             // empty: a disk backend of the session's own, forgotten before each round
  std::vector<std::string> flags;  // more of `hearth run`
};

struct Plan {
  io::fs::path project;
  std::string build, clean;  // for `sh -c`, in the project's folder
  std::vector<LegPlan> legs;
  unsigned rounds = 3;
  unsigned jobs = 1;    // above 1: a third phase with so many builds at once, each in a copy of the project
  bool warm_up = true;  // one build that is not counted, so that nobody pays for a cold page cache
  std::string tag;
  std::string run;       // names this run where tags are run-scoped; empty: stable tags
  io::fs::path work;     // a folder of the session's own
  io::fs::path hearth;   // this program
  io::fs::path sccache;  // the real one
  io::Environment environment;
};

// One line for each build, as it ends.
using Progress = std::function<void(std::string_view line)>;

// Errors: io where a build or a clean command failed (with the end of what it said); cancelled by `stop`;
// what starting sccache gives.
Result<Results> measure(const Plan& plan, const Progress& progress, const std::stop_token& stop);

}  // namespace agent::bench
