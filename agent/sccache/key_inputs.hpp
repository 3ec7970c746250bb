// Which files each compilation of a run read, with their digests: what tells which header changed, where the
// key log only tells that the preprocessed text did. Found when the run has ended, so it costs the build
// nothing: what the compiler wrote down (-MF, --emit=dep-info) if it is still there, else the #include lines
// are followed (agent/sccache/input_files.hpp). A file that changed after it was compiled is recorded as it
// is at the end. docs/decisions/0018-headers-are-read-when-the-run-has-ended.md. Free functions; they block
// on the disk.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/sccache/input_files.hpp"
#include "agent/sccache/key_log.hpp"

namespace agent::sccache {

inline constexpr std::size_t k_max_place_bytes = std::size_t{16} << 20U;
inline constexpr std::size_t k_max_inputs = 4'000'000;  // of all compilations together

struct KeyInputs {
  std::vector<KeyedCompilation> compilations;
  std::vector<InputFile> files;  // that the compilations' `inputs` are numbers of
};

// Fills `inputs` of each compilation whose source can be found, and returns the files they are numbers of.
// `places` is what the launcher wrote of working directories (launcher.conf, inputs=).
std::vector<InputFile> find_inputs(std::vector<KeyedCompilation>& compilations, std::string_view places);

// "0-35 40 77-90" for ascending numbers, and back. Errors: invalid (not ascending, not below `limit`).
std::string ranges_of(const std::vector<std::uint32_t>& numbers);
Result<std::vector<std::uint32_t>> parse_ranges(std::string_view text, std::size_t limit);

}  // namespace agent::sccache
