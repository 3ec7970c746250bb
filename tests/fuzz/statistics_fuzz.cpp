// sccache's statistics come from a program that may be of any version: no figure may be read that is not
// there.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/sccache/statistics.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto statistics = agent::sccache::parse_statistics(text);
  if (!statistics) {
    return 0;
  }
  const auto once = *statistics;
  statistics->add(once);
  if (statistics->hits() != 2 * once.hits() || statistics->misses() != 2 * once.misses() ||
      statistics->writes != 2 * once.writes || statistics->languages.size() != once.languages.size()) {
    std::abort();
  }
  if (once.saved_seconds_estimate().has_value() != (once.compilations != 0 && once.hits() != 0)) {
    std::abort();
  }
  return 0;
}
