// A garbage mark that can be read can be written, and is then read the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/publish/garbage_mark.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto mark = agent::publish::parse_garbage_mark({reinterpret_cast<const char*>(data), size});
  if (mark && agent::publish::parse_garbage_mark(agent::publish::encode(*mark)) != *mark) {
    std::abort();
  }
  return 0;
}
