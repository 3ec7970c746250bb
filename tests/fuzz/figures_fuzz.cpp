// Figures that can be read can be written, and are then read the same; what is shown of them stays in bounds.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/report/figures.hpp"
#include "agent/report/markdown.hpp"
#include "agent/report/notices.hpp"
#include "agent/report/text.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto json = agent::io::parse_json(text, "figures");
  if (!json) {
    return 0;
  }
  const auto figures = agent::report::from_json(*json);
  if (!figures) {
    return 0;
  }
  const auto written = agent::report::to_json(*figures).dump();
  const auto read = agent::io::parse_json(written, "figures");
  if (!read) {
    std::abort();
  }
  const auto again = agent::report::from_json(*read);
  if (!again || agent::report::to_json(*again).dump() != written) {
    std::abort();
  }
  if (agent::report::markdown(*figures).size() >= agent::report::k_summary_limit_bytes) {
    std::abort();
  }
  if (agent::report::text(*figures).find("##[") != std::string::npos) {
    std::abort();
  }
  for (const auto& line : agent::report::notices(*figures, agent::report::Ending::died)) {
    if (line.contains('\n')) {
      std::abort();
    }
  }
  return 0;
}
