// Dependency files lie in the build folder, where anything may be written; lists of numbers in a record.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/sccache/dependency_file.hpp"
#include "agent/sccache/key_inputs.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto found = agent::sccache::parse_dependencies(text);
  if (found.files.size() > agent::sccache::k_max_dependencies) {
    std::abort();
  }
  constexpr std::size_t k_files = 1000;
  if (const auto numbers = agent::sccache::parse_ranges(text, k_files)) {
    const auto again = agent::sccache::parse_ranges(agent::sccache::ranges_of(*numbers), k_files);
    if (!again || *again != *numbers) {
      std::abort();
    }
  }
  return 0;
}
