// What a compiler wrote down of the files it read: Make's rules as gcc, clang (-MD) and rustc
// (--emit=dep-info) write them, and rustc's "# env-dep:" lines. Pure; bounded; safe from any thread. Sources:
// GCC manual, "Preprocessor Options", -M and -MP; rustc book, "Command-line Arguments", --emit dep-info; read
// 2026-11. Guard: tests/sccache/dependency_file_test.cpp.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace agent::sccache {

inline constexpr std::size_t k_max_dependency_bytes = std::size_t{4} << 20U;
inline constexpr std::size_t k_max_dependencies = 20'000;

struct Dependencies {
  std::vector<std::string> files;                              // as written, in order, each once
  std::vector<std::pair<std::string, std::string>> variables;  // of env!() and option_env!(); unset: empty
};

// Never fails: what is no rule is passed over.
Dependencies parse_dependencies(std::string_view text);

}  // namespace agent::sccache
