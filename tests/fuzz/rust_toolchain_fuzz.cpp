// Any toolchain file gives a channel or none, and a version only of the characters that versions have.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/keys/toolchain.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto check = [](const auto& version) {
    if (version &&
        version->find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") != std::string::npos) {
      std::abort();
    }
  };
  if (const auto channel = agent::keys::channel_of(text)) {
    check(agent::keys::version_of(*channel));
  }
  check(agent::keys::version_of(text));
  check(agent::keys::version_of_rustc(text));
  return 0;
}
