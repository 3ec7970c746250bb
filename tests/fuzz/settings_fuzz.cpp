// A project's files and sccache's log are anybody's text: bounded, and no secret of a known form comes
// through.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/doctor/settings.hpp"
#include "agent/sccache/build_variables.hpp"
#include "agent/sccache/redaction.hpp"
#include "agent/sccache/server_log.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto& settings :
       {agent::doctor::parse_toml(text, "f"), agent::doctor::parse_cmake_cache(text, "f"),
        agent::doctor::parse_yaml_lines(text, "f")}) {
    if (settings.size() > agent::doctor::k_max_settings) {
      std::abort();
    }
    for (const auto& set : settings) {
      if (set.shown().size() > 4 * (set.name.size() + set.value.size() + 600)) {
        std::abort();
      }
    }
  }
  for (const auto& line : agent::sccache::parse_server_log(text)) {
    if (line.status != 0 && (line.status < 100 || line.status > 599)) {
      std::abort();
    }
  }
  const auto hidden = agent::sccache::shown_value("A_TOKEN", text);
  if (!text.empty() && hidden != "(hidden)") {
    std::abort();
  }
  // Something hidden takes one byte at least and leaves eight.
  if (agent::sccache::without_secrets(text).size() > 9 * text.size()) {
    std::abort();
  }
  return 0;
}
