// What is kept about a workspace for its cleaning: whatever can be read can be written and is then read the
// same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/server/garbage.hpp"
#include "agent/server/limits.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace server = agent::server;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto state = server::parse_garbage_state(text);
  const auto marks = server::parse_garbage_marks(text);
  const auto limits = server::parse_limits(text);
  if ((limits && server::parse_limits(server::encode(*limits)) != *limits) ||
      (state && server::parse_garbage_state(server::encode(*state)) != *state) ||
      (marks && server::parse_garbage_marks(server::encode(*marks)) != *marks)) {
    std::abort();
  }
  return 0;
}
