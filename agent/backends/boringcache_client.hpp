// Calls to a BoringCache server: JSON ones with a token, and signed URLs without any. Thread-safe; a call
// blocks on the network up to the HTTP client's time limits. Any status is an answer; what it means is the
// caller's. Errors: net::HttpClient's, denied (a write without a token that may save). 500, 502, 503, 504
// that name no time and broken connections are tried twice more, quickly; what takes longer is the
// publisher's.
#pragma once

#include <string>
#include <string_view>

#include "agent/backends/boringcache_address.hpp"
#include "agent/backends/boringcache_answers.hpp"
#include "agent/backends/object_storage.hpp"
#include "agent/core/guarded.hpp"
#include "agent/io/json.hpp"
#include "agent/net/client_pool.hpp"

namespace agent::backends {

enum class Purpose : std::uint8_t { restore, save };

struct ApiCall {
  std::string operation;  // for errors: "write packs/ab/1"
  std::string method = "GET";
  std::string path;  // below the workspace, with its query
  io::Json body;     // null: none
  net::Headers headers;
  Purpose purpose = Purpose::restore;
  bool repeats = true;  // doing it twice is the same as once
};

struct Transfer {
  std::string operation;
  std::string method = "GET";
  std::string_view url;
  net::Headers headers;
  std::string_view body;
};

class BoringcacheClient final {
public:
  BoringcacheClient(BoringcacheAddress address, BoringcacheTokens tokens, const StorageServices& services);

  const BoringcacheAddress& address() const { return address_; }

  Result<net::ClientResponse> call(const ApiCall& call);

  // The URL is its own permission: no token goes with it.
  Result<net::ClientResponse> transfer(const Transfer& transfer);

  // Asked once, when it is first needed. Of a server that does not say what it can do, the usual is tried.
  Result<ServerFeatures> features();

  // What turned out otherwise when it was tried.
  void learn(const ServerFeatures& features);

  Error error_of(std::string_view operation, const net::ClientResponse& answer) const;

  // The same for an answer that says nothing for good, whatever its status: transient.
  Error not_now(std::string_view operation, const net::ClientResponse& answer) const;

private:
  static Result<net::ClientResponse> send(net::ClientPool& pool, const std::string& url,
                                          const net::ClientRequest& request, std::string_view body,
                                          bool repeats);

  BoringcacheAddress address_;
  BoringcacheTokens tokens_;
  const Clock& clock_;
  net::ClientPool api_;
  net::ClientPool transfers_;
  Guarded<std::optional<ServerFeatures>> features_;
};

}  // namespace agent::backends
