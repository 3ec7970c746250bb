// .hearth.yml of a stranger's repository: every entry has a place in the file, every error says invalid.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/cli/config_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto entries = agent::cli::parse_config(text, "fuzz");
  if (!entries) {
    if (entries.error().code != agent::Errc::invalid || !entries.error().message.starts_with("fuzz:")) {
      std::abort();
    }
    return 0;
  }
  for (const auto& [key, entry] : *entries) {
    if (entry.line < 1 || entry.column < 1) {
      std::abort();
    }
  }
  return 0;
}
