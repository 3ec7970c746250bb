// What cleaning keeps about a workspace: whatever can be read can be written and is then read the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/server/garbage.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace server = agent::server;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto state = server::parse_garbage_state(text);
  const auto marks = server::parse_garbage_marks(text);
  if ((state && server::parse_garbage_state(server::encode(*state)) != *state) ||
      (marks && server::parse_garbage_marks(server::encode(*marks)) != *marks)) {
    std::abort();
  }
  return 0;
}
