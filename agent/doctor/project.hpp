// What a project's folder tells: which build tools it is for, their settings, whether there is warm output,
// and sources whose compilation can never be the same twice. Reads a bounded number of files of bounded
// size; changes nothing. Values; blocks on the disk.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/doctor/build_output.hpp"
#include "agent/doctor/settings.hpp"
#include "agent/io/file.hpp"
#include "agent/io/process.hpp"

namespace agent::doctor {

struct Project {
  io::fs::path folder;
  bool cargo = false;     // Cargo.toml
  bool cmake = false;     // CMakeLists.txt
  bool make = false;      // a makefile
  Settings cargo_config;  // .cargo/config.toml of the folder and those above, $CARGO_HOME's first
  Settings manifest;      // Cargo.toml
  Settings cmake_cache;   // of the build folder that the run compiled in, else of the first that is found
  std::string cmake_cache_path;
  bool cmake_built = false;  // the run compiled in that folder
  Settings workflows;        // .github/workflows
  Settings moon;             // .moon/workspace.yml
  CargoOutput cargo_output;
  std::string target;                     // its folder, as it is shown
  std::vector<std::string> written;       // some objects, libraries and programs that the run wrote
  std::string rustc;                      // as target/.rustc_info.json has it
  std::vector<std::string> clock_macros;  // "path:line: …__TIME__…"
  std::vector<std::string> path_macros;   // "path:line: …__FILE__…"
  std::vector<std::string> volatile_env;  // build scripts that pass commit or time into env!()
};

// "rustc 1.95.0 (…)" as cargo has noted it in its target folder; empty where it has not.
std::string remembered_rustc(const io::fs::path& target);

// `environment` tells CARGO_HOME and CARGO_TARGET_DIR; `run` is whose output is told from what was there
// before.
Project read_project(const io::fs::path& folder, const io::Environment& environment, const Span& run = {});

}  // namespace agent::doctor
