// Who may speak to the agent: a bearer for everything but /healthz and / (a page without any data: what it
// shows it asks for with the bearer), and a Host header that names this endpoint, so that a page in a browser
// cannot reach it by DNS rebinding. Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/core/secret.hpp"
#include "agent/net/http.hpp"

namespace agent::fronts {

struct GateOptions {
  Secret token;                    // empty: an open agent (a laptop's, on loopback)
  std::vector<std::string> hosts;  // accepted beside loopback names and addresses, without port
};

class Gate final {
public:
  explicit Gate(GateOptions options) : options_(std::move(options)) {}

  // The refusal (401, 403), or empty where the request may pass. What came over the Unix socket passes: the
  // file's permissions are its guard.
  std::optional<net::Response> refuse(const net::Request& request) const;

private:
  bool host_is_ours(std::string_view host) const;
  GateOptions options_;
};

}  // namespace agent::fronts
