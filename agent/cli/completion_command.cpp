#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "agent/cli/command.hpp"

namespace agent::cli {

namespace {

std::string joined_names(const CLI::App& program) {
  std::vector<std::string> names;
  for (const auto* const command : program.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return fmt::format("{}", fmt::join(names, " "));
}

std::string joined_options(const CLI::App& command) {
  std::vector<std::string> names;
  for (const auto* const option : command.get_options()) {
    for (const auto& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
  }
  return fmt::format("{}", fmt::join(names, " "));
}

// One case per command, from the declarations themselves, so that completion is never behind.
std::string bash_script(const CLI::App& program) {
  std::string cases;
  for (const auto* const command : program.get_subcommands([](const CLI::App*) { return true; })) {
    cases += fmt::format("    {}) words=\"{}\" ;;\n", command->get_name(), joined_options(*command));
  }
  return fmt::format(
      "_hearth() {{\n"
      "  local words=\"{} --help --version\"\n"
      "  if [ \"$COMP_CWORD\" -gt 1 ]; then\n"
      "    case \"${{COMP_WORDS[1]}}\" in\n{}    esac\n"
      "  fi\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"${{COMP_WORDS[COMP_CWORD]}}\"))\n"
      "}}\n"
      "complete -o default -F _hearth hearth\n",
      joined_names(program), cases);
}

}  // namespace

Command add_completion(CLI::App& program) {
  auto* const command = program.add_subcommand("completion", "a completion script for your shell");
  const auto shell = std::make_shared<std::string>("bash");
  command->add_option("shell", *shell, "bash or zsh")
      ->check(CLI::IsMember({"bash", "zsh"}))
      ->capture_default_str();
  command->footer("Example:\n  source <(hearth completion bash)");
  const auto* const all = &program;
  return {command, [all, shell] {
            if (*shell == "zsh") {
              fmt::print("autoload -U +X bashcompinit && bashcompinit\n");
            }
            fmt::print("{}", bash_script(*all));
            return k_ok;
          }};
}

}  // namespace agent::cli
