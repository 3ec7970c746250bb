// A manifest that can be read can be written, and is then read the same.
#include "agent/publish/manifest.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "agent/io/fd.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto manifest = agent::publish::parse_manifest(std::as_bytes(std::span(data, size)));
  if (!manifest) {
    return 0;
  }
  const auto written = agent::publish::encode(*manifest);
  if (!written) {
    std::abort();
  }
  if (agent::publish::parse_manifest(agent::io::bytes_of(*written)) != *manifest) {
    std::abort();
  }
  return 0;
}
