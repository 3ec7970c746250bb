// A record of the mode that can be read can be written, and is then read the same; no path that is taken for
// an entry leads out of its folder, whether it comes from a tag or from the list beside the folder.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "agent/app/sccache_mode.hpp"
#include "agent/folders/cache_folder.hpp"
#include "agent/folders/collect.hpp"

namespace {

void check_entry(std::string_view text) {
  const std::filesystem::path path(text);
  if (path.empty() || path.is_absolute() || path.lexically_normal() != path || text.starts_with("..")) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto record = agent::app::parse_mode_record(text)) {
    const auto again = agent::app::parse_mode_record(agent::app::to_text(*record));
    if (!again || *again != *record) {
      std::abort();
    }
  }
  for (const auto* rules : {&agent::folders::sccache_folder(), &agent::folders::ccache_folder()}) {
    if (rules->is_entry(text)) {
      check_entry(text);
    }
    [[maybe_unused]] const auto listed = agent::folders::parse_list(
        *rules, text, [](std::string_view path, std::uint64_t /*mark*/) { check_entry(path); });
  }
  return 0;
}
