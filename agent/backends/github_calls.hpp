// Sending calls to GitHub: bearer, counting, the breaker, and what a refusal means. Thread-safe; a call
// blocks as net::ClientPool does. Counts hearth_backend_requests_total{request}.
#pragma once

#include <string>
#include <string_view>

#include "agent/backends/github_breaker.hpp"
#include "agent/backends/github_config.hpp"
#include "agent/metrics/registry.hpp"
#include "agent/net/client_pool.hpp"

namespace agent::backends {

struct ServiceCall {
  std::string_view name;  // for the counter: "create", "finalise", "find", …
  CallKind kind = CallKind::look_up;
  std::string url;
  net::ClientRequest request;
};

class GithubCalls final {
public:
  GithubCalls(const GithubConfig& config, const Clock& clock, metrics::Registry& registry);

  // With the bearer of the job's runtime token. Any status is an answer.
  Result<net::ClientResponse> send(ServiceCall call);

  // Blobs: their URLs are signed, and they are Azure's, not GitHub's.
  Result<net::ClientResponse> send_blob(std::string_view name, std::string_view url,
                                        net::ClientRequest request, std::string_view body = {});

  // The REST interface, with its own token.
  Result<net::ClientResponse> send_rest(std::string_view name, ServiceCall call);

  // An answer that is no success. Refusals for want of rights become denied and say whose rights.
  Error error_of(std::string_view operation, const net::ClientResponse& answer) const;

  // Of a blob: the body is not quoted, it may repeat the signature.
  Error blob_error_of(std::string_view operation, const net::ClientResponse& answer) const;

  // The same for the REST interface.
  Error rest_error_of(std::string_view operation, const net::ClientResponse& answer) const;

  // "cache write denied: …" in an answer of 200.
  Error denial_of(std::string_view operation, std::string_view message) const;

private:
  void count(std::string_view name);

  const GithubConfig& config_;
  const Clock& clock_;
  metrics::Registry& registry_;
  ServiceBreaker breaker_;
  net::ClientPool pool_;
};

}  // namespace agent::backends
