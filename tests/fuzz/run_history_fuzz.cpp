// A run history that can be read is written as the same bytes.
#include "agent/publish/run_history.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto history = agent::publish::parse_run_history(std::as_bytes(std::span(data, size)));
  if (history &&
      agent::publish::encode(*history) != std::string_view(reinterpret_cast<const char*>(data), size)) {
    std::abort();
  }
  return 0;
}
