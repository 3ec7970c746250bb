// A request target on its way to the sccache dialect: decoded, taken apart, answered. The probe is never
// stored, and nothing a client writes there is our fault (5xx).
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "agent/cache/cache.hpp"
#include "agent/fronts/front.hpp"
#include "agent/net/http_parser.hpp"

namespace {

using namespace agent;

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

// In `off` mode the cache drops what it is given and needs no store.
struct Stand {
  metrics::Registry registry;
  cache::Cache cache{
      cache::CacheOptions{.tag = {"owner/name", "scope", "tag"}, .mode = publish::Mode::off, .spool = {}},
      cache::CacheServices{.registry = &registry}};
  std::vector<std::unique_ptr<fronts::Front>> fronts =
      fronts::make_fronts({.cache = cache, .registry = registry});
};

int status_of(fronts::Front& front, const net::Request& request, std::string_view path) {
  int status = 0;
  net::Responder respond([&](const net::Response& response) { status = response.status; });
  auto decision = front.handle(request, path, respond);
  if (const auto* response = std::get_if<net::Response>(&decision)) {
    return response->status;
  }
  if (auto* sink = std::get_if<std::unique_ptr<net::BodySink>>(&decision)) {
    (*sink)->finish(std::move(respond));
  }
  return status;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Stand stand;
  constexpr std::string_view k_mount = "/sccache/";
  const std::string target(reinterpret_cast<const char*>(data), size);
  net::HeadParser parser({.bytes = 8192, .fields = 8});
  const auto head = "GET " + std::string(k_mount) + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  if (parser.parse(head) != net::HeadParser::State::complete ||
      !parser.head().request.path.starts_with(k_mount)) {
    return 0;
  }
  auto request = parser.head().request;
  const auto path = std::string_view(request.path).substr(k_mount.size());
  request.content_length = 0;
  const bool probe = path == ".sccache_check" || path.ends_with("/.sccache_check");
  for (const auto* method : {"GET", "HEAD", "PUT", "PROPFIND", "MKCOL", "OPTIONS", "DELETE"}) {
    request.method = method;
    const int status = status_of(*stand.fronts.front(), request, path);
    require(status >= 200 && status < 500);
    require(!probe || request.method != "PUT" || status == 201);
    require(!probe || request.method != "GET" || status == 404);
  }
  return 0;
}
