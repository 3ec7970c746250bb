#include "agent/fronts/gate.hpp"

#include <algorithm>

#include "agent/core/text.hpp"

namespace agent::fronts {

namespace {

// "host" of "host:port" and of "[::1]:port".
std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) {
    return host.substr(0, host.find(']') + 1);
  }
  return host.substr(0, host.rfind(':'));
}

// An address of 127.0.0.0/8 in full; "127.evil.example" is a name like any other.
bool is_loopback_address(std::string_view host) {
  const auto parts = split(host, '.');
  return parts.size() == 4 && parts[0] == "127" && std::ranges::all_of(parts, [](auto part) {
           return !part.empty() && part.size() <= 3 &&
                  part.find_first_not_of("0123456789") == std::string_view::npos;
         });
}

bool is_loopback(std::string_view host) {
  return equals_ignoring_case(host, "localhost") || host == "[::1]" || is_loopback_address(host);
}

}  // namespace

bool Gate::host_is_ours(std::string_view host) const {
  const auto name = without_port(host);
  return is_loopback(name) || std::ranges::any_of(options_.hosts, [&](const auto& known) {
           return equals_ignoring_case(known, name);
         });
}

std::optional<net::Response> Gate::refuse(const net::Request& request) const {
  if (request.over_unix_socket) {
    return std::nullopt;
  }
  if (!host_is_ours(request.headers.get("Host"))) {
    return net::text_response(403, "this agent does not serve that Host\n");
  }
  if (options_.token.empty() || request.path == "/healthz" || request.path == "/") {
    return std::nullopt;
  }
  constexpr std::string_view k_scheme = "Bearer ";
  const auto given = request.headers.get("Authorization");
  const bool bearer =
      given.size() > k_scheme.size() && equals_ignoring_case(given.substr(0, k_scheme.size()), k_scheme);
  if (bearer && options_.token.equals(given.substr(k_scheme.size()))) {
    return std::nullopt;
  }
  auto answer = net::text_response(401, "this agent wants the job's bearer token\n");
  answer.headers.add("WWW-Authenticate", "Bearer");
  return answer;
}

}  // namespace agent::fronts
