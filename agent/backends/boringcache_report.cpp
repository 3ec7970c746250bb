#include "agent/backends/boringcache_report.hpp"

#include "agent/backends/boringcache_client.hpp"
#include "agent/backends/builtin.hpp"

namespace agent::backends {

bool keeps_reports(std::string_view url) {
  return url.starts_with("boringcache://");
}

Result<void> report_to_boringcache(std::string_view url, const StorageServices& services,
                                   const io::Json& report) {
  if (!keeps_reports(url)) {
    return {};
  }
  AGENT_TRY(const auto parsed, parse_storage_url(url));
  AGENT_TRY(auto address, parse_boringcache_address(parsed, services.variables));
  AGENT_TRY(auto tokens, find_boringcache_tokens(services.variables));
  BoringcacheClient client(std::move(address), std::move(tokens), services);
  ApiCall call{.operation = "report this run", .method = "POST", .path = "/cache-rollups"};
  call.body = report;
  call.repeats = false;  // twice would count twice
  AGENT_TRY(const auto answer, client.call(call));
  if (answer.status / 100 != 2) {
    return std::unexpected(client.error_of(call.operation, answer));
  }
  return {};
}

}  // namespace agent::backends
