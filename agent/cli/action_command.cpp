#include <memory>

#include "agent/action/action.hpp"
#include "agent/cli/command.hpp"

namespace agent::cli {

Command add_action(CLI::App& program) {
  auto* const command =
      program.add_subcommand("action", "the GitHub action's stages; the action's image calls them");
  const auto stage = std::make_shared<std::string>();
  command->add_option("stage", *stage, "pre, main or post")
      ->required()
      ->check(CLI::IsMember({"pre", "main", "post"}));
  command->allow_extras();  // the arguments of action.yml look like options
  command->footer("Example:\n  hearth action main --host-temp=/home/runner/work/_temp");
  return {command, [stage, command] { return action::run_stage(*stage, command->remaining()); }};
}

}  // namespace agent::cli
