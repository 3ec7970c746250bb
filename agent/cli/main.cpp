// One binary, several names: `hearth` with its commands, and /hearth-pre, /hearth-main, /hearth-post and
// /hearth-sibling in the action's image, where all stages get the same arguments.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "agent/action/action.hpp"
#include "agent/cli/command.hpp"
#include "agent/cli/standard_streams.hpp"

namespace {

constexpr std::string_view k_stage_prefix = "hearth-";

int dispatch(int argc, char** argv) {
  std::string_view name(argc > 0 ? argv[0] : "hearth");
  name.remove_prefix(name.rfind('/') + 1);
  for (const std::string_view stage : {"pre", "main", "post", "sibling"}) {
    if (name.starts_with(k_stage_prefix) && name.substr(k_stage_prefix.size()) == stage) {
      return agent::action::run_stage(stage, std::vector<std::string>(argv + 1, argv + argc));
    }
  }
  return agent::cli::finish_output(agent::cli::run_program(argc, argv));
}

}  // namespace

int main(int argc, char** argv) {
  agent::cli::open_closed_streams();
  agent::cli::tolerate_broken_errors();
  try {
    return dispatch(argc, argv);
  } catch (const std::system_error& error) {
    if (std::ferror(stdout) != 0) {  // fmt and iostreams throw where they cannot print
      return agent::cli::output_failed(error.code().value());
    }
    fmt::print(stderr, "hearth: unexpected error: {}\n", error.what());
    return agent::cli::k_failure;
  } catch (const std::exception& error) {
    // Not fmt::print, which throws where it cannot write, as onto a terminal that is gone.
    std::fputs(fmt::format("hearth: unexpected error: {}\n", error.what()).c_str(), stderr);
    return agent::cli::k_failure;
  }
}
