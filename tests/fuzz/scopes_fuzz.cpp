// Whatever the event file says, what comes from a fork or from nobody knows where is never written.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/keys/scopes.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace agent::keys;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const agent::io::Environment environment = {{"GITHUB_REPOSITORY", "o/r"},
                                              {"GITHUB_EVENT_NAME", "pull_request"},
                                              {"GITHUB_REF", "refs/pull/7/merge"}};
  const auto context = github_context(environment, text);
  const auto scopes = scopes_of(context, RequestedMode::read_write);
  if (context.origin != Origin::same_repository && scopes.permission != Permission::read_only) {
    std::abort();
  }
  for (const auto& ref : scopes.also) {
    if (ref.empty() || ref == scopes.own) {
      std::abort();
    }
  }
  return 0;
}
