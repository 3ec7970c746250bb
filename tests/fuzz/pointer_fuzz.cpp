// A pointer that can be read can be written, and is then read the same.
#include "agent/publish/pointer.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto pointer = agent::publish::parse_pointer({reinterpret_cast<const char*>(data), size});
  if (pointer && agent::publish::parse_pointer(agent::publish::encode(*pointer)) != *pointer) {
    std::abort();
  }
  return 0;
}
