// Results of `hearth bench` from a file, and gates: what is read is written and read again to the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/bench/gate.hpp"
#include "agent/bench/results.hpp"
#include "agent/bench/show.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto gate = agent::bench::parse_gate(text);
  const auto json = agent::io::parse_json(text, "fuzz");
  if (!json) {
    return 0;
  }
  const auto results = agent::bench::from_json(*json, "fuzz");
  if (!results) {
    return 0;
  }
  const auto again = agent::bench::from_json(agent::bench::to_json(*results), "again");
  if (!again || agent::bench::to_json(*again) != agent::bench::to_json(*results)) {
    std::abort();
  }
  const std::vector<agent::bench::Verdict> verdicts;
  (void)agent::bench::markdown({*results, verdicts});
  (void)agent::bench::text({*results, verdicts});
  (void)agent::bench::svg(*results);
  return 0;
}
