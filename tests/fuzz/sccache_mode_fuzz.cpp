// A record of the mode that can be read can be written, and is then read the same; no path that is taken for
// an entry leads out of its folder.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "agent/app/sccache_mode.hpp"
#include "agent/sccache/cache_folder.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto record = agent::app::parse_mode_record(text)) {
    if (agent::app::parse_mode_record(agent::app::to_text(*record)) != record) {
      std::abort();
    }
  }
  if (agent::sccache::is_entry(text)) {
    const std::filesystem::path path(text);
    if (path.is_absolute() || path.lexically_normal() != path || text.find("..") == 0 ||
        path.lexically_normal().native().starts_with("..")) {
      std::abort();
    }
  }
  return 0;
}
