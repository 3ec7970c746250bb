// HTTP calls to full URLs from any thread: a few idle connections are kept per origin (scheme, host, port),
// so that calls after the first skip the handshake. Thread-safe; a call blocks as HttpClient::send does.
// Errors: HttpClient's; invalid where the text is no http:// or https:// URL.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/guarded.hpp"
#include "agent/core/result.hpp"
#include "agent/net/http_client.hpp"
#include "agent/net/proxy.hpp"

namespace agent::net {

// A URL cut in two, byte for byte. Errors: invalid; the text does not show the query.
struct SplitUrl {
  std::string origin;  // "https://host:port", scheme and host in lower case, the port as given
  std::string target;  // "/path?query", at least "/"
};
Result<SplitUrl> split_url(std::string_view url);

struct PoolOptions {
  ClientOptions client;             // its proxy is replaced by what `proxies` says of the origin
  ProxySettings proxies;            // none unless given
  std::size_t idle_per_origin = 8;  // connections kept between calls
};

class ClientPool final {
public:
  explicit ClientPool(PoolOptions options) : options_(std::move(options)) {}

  // The target, with its query, is the URL's, unchanged; request.target is not used.
  Result<ClientResponse> send(std::string_view url, ClientRequest request);

  // The same with a body that is borrowed for the call; request.body is not sent.
  Result<ClientResponse> send(std::string_view url, ClientRequest request, std::string_view body);

private:
  struct Origin {
    HttpClient first;  // never used itself: the others are made after it
    std::vector<HttpClient> idle;
  };

  Result<HttpClient> take(const std::string& origin);
  void give_back(const std::string& origin, HttpClient client);

  PoolOptions options_;
  Guarded<std::map<std::string, Origin>> origins_;
};

}  // namespace agent::net
