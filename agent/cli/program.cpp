#include <fmt/format.h>

#include <cstdio>
#include <utility>
#include <vector>

#include "agent/cli/command.hpp"
#include "agent/cli/config_file.hpp"

namespace agent::cli {

int report_error(const Error& error) {
  fmt::print(stderr, "hearth: {}\n", error.message);
  switch (error.code) {
    case Errc::invalid:
      return k_usage;
    case Errc::conflict:
      return k_conflict;
    default:
      return k_failure;
  }
}

namespace {

std::vector<Command> declare_commands(CLI::App& program) {
  std::vector<Command> commands;
#define COMMAND(name) commands.push_back(add_##name(program));
#include "agent/cli/commands.def"
#undef COMMAND
  return commands;
}

}  // namespace

int run_program(int argc, char** argv) {
  CLI::App program(
      "Hearth keeps CI builds warm: a cache agent for sccache that packs writes and never breaks a build.");
  program.name("hearth");
  program.set_version_flag("--version", "hearth " HEARTH_VERSION);
  program.require_subcommand(1);
  program.footer("Example: hearth run -- cargo build --release\nEach command has --help with an example.");
  auto commands = declare_commands(program);
  for (auto& [command, run] : commands) {
    name_variables(*command);
  }
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? k_ok : k_usage;
  }
  for (auto& [command, run] : commands) {
    if (command->parsed()) {
      if (auto configured = apply_config_file(*command); !configured) {
        return report_error(configured.error());
      }
      return run();
    }
  }
  return k_usage;
}

}  // namespace agent::cli
