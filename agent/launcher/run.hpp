// What the launcher does with one invocation (docs/protocols/sccache-client.md tells why, case by case):
//
//   sccache COMPILER ARGS...   a compilation: through the server, else with the compiler itself. Never fails
//   because
//                              of the cache: agent, server or protocol trouble ends in running the compiler.
//   COMPILER ARGS...           the same, when the launcher is called through a link of the compiler's name
//   sccache --start-server     starts the job's server, or finds it running; both are success
//   anything else              the real sccache, with our environment
//
// Blocks; returns the exit code unless the process became another program.
#pragma once

namespace agent::launcher {

int run(char* const* arguments, char* const* environment);

}  // namespace agent::launcher
