#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/cli/command.hpp"
#include "agent/cli/config_file.hpp"
#include "agent/cli/nearest.hpp"
#include "agent/core/text.hpp"
#include "agent/report/plain.hpp"

namespace agent::cli {

int report_error(const Error& error) {
  // Messages quote names and texts of others, and a job's log takes some lines for commands.
  std::string_view between = "hearth: ";
  for (const auto line : split(error.message, '\n')) {
    fmt::print(stderr, "{}{}", between, report::log_text(line));
    between = "\n";
  }
  fmt::print(stderr, "\n");
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

std::string did_you_mean(const std::string& word, const std::vector<std::string>& names) {
  const auto meant = nearest(word, names);
  if (meant == word) {
    return "it stands behind the command; ";
  }
  return meant ? fmt::format("did you mean '{}'? ", *meant) : std::string();
}

void report_no_command(const CLI::App& program, const std::string& word) {
  std::vector<std::string> names;
  for (const auto* const command : program.get_subcommands({})) {
    names.push_back(command->get_name());
  }
  fmt::print(stderr, "hearth: '{}' is no {} of hearth; {}`hearth --help` lists them\n", word,
             word.starts_with('-') ? "option" : "command", did_you_mean(word, names));
}

void report_surplus(const CLI::App& command, const std::vector<std::string>& surplus) {
  const auto option = std::ranges::find_if(surplus, [](const auto& text) { return text.starts_with('-'); });
  const auto& word = option != surplus.end() ? *option : surplus.front();
  const auto wrong = word.substr(0, word.find('='));  // a value may be a secret
  std::vector<std::string> names;
  for (const auto* const known : command.get_options()) {
    names.push_back(known->get_name());
  }
  fmt::print(stderr, "hearth {}: '{}' was not expected; {}`hearth {} --help` lists what is\n",
             command.get_name(), wrong, did_you_mean(wrong, names), command.get_name());
}

// What CLI11 says to some does not name the word that is wrong, or names it among others.
int report_wrong_usage(const CLI::App& program, const CLI::ParseError& error, const char* first) {
  const auto chosen = program.get_subcommands();
  auto surplus = program.remaining(true);
  std::erase(surplus, "--");
  if (chosen.empty() && first != nullptr) {
    report_no_command(program, first);
  } else if (!surplus.empty() && dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    report_surplus(*chosen.front(), surplus);
  } else {
    program.exit(error);
  }
  return k_usage;
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
    if (error.get_exit_code() == 0) {  // --help, --version
      return program.exit(error);
    }
    return report_wrong_usage(program, error, argc > 1 ? argv[1] : nullptr);
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
