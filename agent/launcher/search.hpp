// Finds the compiler as the real client does (crate `which` 6.0.3, which_in), except that it never answers
// the launcher or the real sccache themselves: a symlink `gcc` to sccache on PATH would otherwise call itself
// for ever. Source: which 6.0.3 src/finder.rs, src/checker.rs; sccache 0.16.0 src/cmdline.rs, try_parse();
// read 2026-11. Blocks on the file system. Not thread-safe.
#pragma once

#include <span>
#include <string_view>

#include "agent/launcher/text.hpp"

namespace agent::launcher {

struct Search {
  const char* path_variable = nullptr;  // PATH; may be null
  const char* home = nullptr;           // for entries that start with '~'; may be null
  std::string_view working_directory;
  std::span<const char* const> ourselves;  // programs that must not be found
};

// Its path; empty if there is no such program.
CString find_program(std::string_view name, const Search& search, Arena& arena);

}  // namespace agent::launcher
