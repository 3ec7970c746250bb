// A touch set that can be read can be written, and what is then read never looks used earlier.
#include "agent/publish/touch_set.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "agent/io/fd.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto set = agent::publish::parse_touch_set(std::as_bytes(std::span(data, size)));
  if (!set) {
    return 0;
  }
  const auto written = agent::publish::encode(*set);
  const auto again = agent::publish::parse_touch_set(agent::io::bytes_of(written));
  if (!again || written.size() > agent::publish::k_max_touch_set_bytes) {
    std::abort();
  }
  for (const auto& [pack, days] : again->packs) {
    const auto& before = set->packs.at(pack);
    for (std::size_t i = 0; i < days.size(); ++i) {
      if (days[i] < before[i]) {
        std::abort();
      }
    }
  }
  return 0;
}
