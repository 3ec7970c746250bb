// One binary, several names: `hearth` with its commands, and /hearth-pre, /hearth-main, /hearth-post in the
// action's image, which all get the same arguments.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/command.hpp"

namespace {

}  // namespace

int main(int argc, char** argv) {
  try {
    return agent::cli::run_program(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "hearth: unexpected error: {}\n", error.what());
    return agent::cli::k_failure;
  }
}
