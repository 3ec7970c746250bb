// What later steps find in their environment. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "agent/action/sibling.hpp"
#include "agent/io/process.hpp"

namespace agent::action {

struct Exports {
  io::Environment variables;  // for GITHUB_ENV: host paths, which the runner translates for containers
  std::string path;           // for GITHUB_PATH: as the steps see it, because the runner translates none
  std::vector<std::string> remarks;  // what was left as it is, and why
};

// `current` is the environment that the job's steps have so far: a wrapper that somebody chose is left alone.
Exports exports_for(const JobFolder& job, const Inputs::Tools& tools, const io::Environment& current);

}  // namespace agent::action
