// The commands of `hearth`. Each lives in its own file and registers itself through one line of commands.def.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <utility>

#include "agent/core/result.hpp"

namespace agent::cli {

// What scripts rely on.
constexpr int k_ok = 0;
constexpr int k_failure = 1;
constexpr int k_usage = 2;
constexpr int k_miss = 3;
constexpr int k_conflict = 4;

// Runs after parsing; returns the exit code.
using Run = std::function<int()>;

// A declared command and what it does.
using Command = std::pair<CLI::App*, Run>;

// Prints "hearth: <message>" to standard error; k_usage for invalid input, k_conflict where somebody else has
// the store, the port or the tag, else k_failure.
int report_error(const Error& error);

// One for each command, in its own file.
#define COMMAND(name) Command add_##name(CLI::App& program);
#include "agent/cli/commands.def"
#undef COMMAND

// The program with every command; `argc` and `argv` as main got them.
int run_program(int argc, char** argv);

}  // namespace agent::cli
