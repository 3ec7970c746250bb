// Records of runs lie in a folder that others may write to: what is read must be what is written again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/app/run_record.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto record = agent::app::parse_run_record({reinterpret_cast<const char*>(data), size});
  if (!record) {
    return 0;
  }
  const auto text = agent::app::to_json(*record).dump();
  const auto again = agent::app::parse_run_record(text);
  if (!again || agent::app::to_json(*again).dump() != text) {
    std::abort();
  }
  return 0;
}
