// What sccache's server writes of each compilation at its debug level: name, arguments, key, hit or miss. The
// only way in which sccache tells a key's inputs. Asked for by `hearth run --explain`.
// Pure; bounded; safe from any thread. Source: mozilla/sccache 0.16.0 src/compiler/compiler.rs,
// get_cached_or_compile; lines seen 2026-11. Guard: tests/doctor/explain_test.py, with the real one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace agent::sccache {

// For SCCACHE_LOG of the server: these lines, and trouble. Not OpenDAL's warnings: it writes a long one of
// every miss, and what fails on the way to the agent the agent itself knows.
constexpr std::string_view k_key_log_filter = "error,sccache=warn,sccache::compiler::compiler=debug";

inline constexpr std::size_t k_max_key_log_bytes = std::size_t{64} << 20U;
inline constexpr std::size_t k_max_compilations = 10'000;
inline constexpr std::size_t k_max_argument_bytes = std::size_t{6} << 20U;  // of all compilations together

struct KeyedCompilation {
  std::string name;                    // "a0.o", or the crate's
  std::uint64_t key = 0;               // the first sixteen digits
  std::string outcome;                 // "hit", "miss"; empty: not told
  std::vector<std::string> arguments;  // without secrets; empty beyond the bound
  std::vector<std::uint32_t>
      inputs;  // the files it read, by number, ascending (agent/sccache/key_inputs.hpp)

  bool is_rust() const;
  std::string_view output() const;  // the crate, or the path after -o (agent/launcher/named_output.hpp)
};

// In the order in which they were begun; without a key they are left out.
std::vector<KeyedCompilation> parse_key_log(std::string_view text);

}  // namespace agent::sccache
