// What tools leave behind (sccache's log of keys, ccache's counters) and what services say in headers:
// numbers stay in their bounds, and what is taken from a text is in that text.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/backends/http_status.hpp"
#include "agent/folders/ccache_counts.hpp"
#include "agent/net/proxy.hpp"
#include "agent/sccache/key_log.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::size_t bytes = 0;
  const auto compilations = agent::sccache::parse_key_log(text);
  for (const auto& compilation : compilations) {
    if (compilation.key == 0 || compilation.name.size() > size) {
      std::abort();
    }
    for (const auto& argument : compilation.arguments) {
      bytes += argument.size();
    }
  }
  if (compilations.size() > agent::sccache::k_max_compilations ||
      bytes > agent::sccache::k_max_argument_bytes) {
    std::abort();
  }
  [[maybe_unused]] const auto counts = agent::folders::parse_ccache_counts(text);

  agent::net::Headers headers;
  headers.add("Retry-After", std::string(text));
  const auto wait = agent::backends::retry_after_of(headers, agent::Wall{});
  if (wait && (wait->count() < 0 || *wait > std::chrono::hours(1))) {
    std::abort();
  }
  const auto proxy = agent::net::parse_proxy(text);
  if (proxy && proxy->host.empty()) {
    std::abort();
  }
  return 0;
}
