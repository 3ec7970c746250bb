#include "agent/action/action.hpp"

#include <exception>
#include <iostream>

#include "agent/action/cancellation.hpp"
#include "agent/action/sibling.hpp"
#include "agent/action/stage.hpp"

namespace agent::action {

namespace {

int run(std::string_view name, const Stage& stage) {
  if (name == "pre") {
    return run_pre(stage);
  }
  return name == "main" ? run_main(stage) : run_post(stage);
}

}  // namespace

int run_stage(std::string_view stage, const std::vector<std::string>& arguments) {
  const WorkflowLog log(std::cout);
  try {
    if (stage == "sibling") {
      return run_sibling(arguments);
    }
    const Cancellation cancellation;
    const auto environment = io::current_environment();
    const auto parsed = parse_arguments(arguments);
    if (!parsed) {
      log.error(parsed.error().message);
      return k_invalid_input;
    }
    return run(stage, {.environment = environment,
                       .arguments = *parsed,
                       .runner = read_runner_environment(environment, *parsed),
                       .log = log,
                       .commands = FileCommands(environment),
                       .stop = cancellation.token()});
  } catch (const std::exception& error) {
    log.warning(fmt::format("the build goes on uncached: unexpected error: {}", error.what()));
    return k_ok;
  }
}

}  // namespace agent::action
