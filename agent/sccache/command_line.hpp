// What a compiler's command line says of the files it reads: the source, where headers are looked for, and
// where it writes down what it read. Pure; safe from any thread.
// Sources: GCC manual, "Preprocessor Options", "Directory Options"; rustc book, "Command-line Arguments" and
// "Codegen Options"; read 2026-11. Guard: tests/sccache/command_line_test.cpp.
#pragma once

#include <string>
#include <vector>

namespace agent::sccache {

// Paths as they were written: relative to the working directory, where they are.
struct CommandLine {
  std::string source;
  std::vector<std::string> forced;        // -include, -imacros
  std::vector<std::string> quoted;        // -iquote
  std::vector<std::string> all;           // -I, -isystem, -idirafter, in the order of search
  std::vector<std::string> dependencies;  // where what it read may be written down; the likeliest first
};

CommandLine read_command_line(const std::vector<std::string>& arguments);

}  // namespace agent::sccache
