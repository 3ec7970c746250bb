// The options that `hearth agent` and `hearth run` share, and what they become.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "agent/app/config.hpp"
#include "agent/cli/default_folder.hpp"
#include "agent/core/result.hpp"

namespace agent::cli {

// As typed; parsed by to_config, so that an error names the option and the way out.
struct AgentOptions {
  std::string store;
  std::string backend;
  std::string tag;
  std::string mode = "read-write";
  std::string repository = "local";
  std::string scope = "local";
  std::vector<std::string> also_scopes;
  std::string producer;
  std::string run;
  std::string sccache_mode = "auto";
  std::string max_size = "10GiB";
  std::string max_tag_size = "0";
  std::string min_free_space = "256MiB";
  std::string preload_deadline = "10s";
  std::string preload_budget = "2GiB";
  std::string drain_deadline = "60s";
  std::string log_level = "warn";
};

void add_agent_options(CLI::App& command, AgentOptions& options);

// Errors: invalid, naming the option.
Result<app::Config> to_config(const AgentOptions& options);

// Creates the default folder where the options use it. Errors: those of create_default_folder.
Result<void> create_folder_of(const AgentOptions& options);

}  // namespace agent::cli
