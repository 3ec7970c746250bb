// HTTP proxies: which one a host is reached through, and what is said to it. Pure functions over values; safe
// from any thread. The variables are those that curl and Go's net/http read (HTTPS_PROXY, HTTP_PROXY,
// NO_PROXY, in lower case too; checked 2026-11). They are passed in, never looked up here.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "agent/core/result.hpp"
#include "agent/core/secret.hpp"

namespace agent::net {

struct ProxySettings {
  std::string https;       // URL of the proxy for https:// targets; empty: none
  std::string http;        // for http:// targets
  std::string exceptions;  // NO_PROXY: hosts and domains separated by commas; "*" is all
};

// Reads the three variables; those in lower case win, as in curl.
ProxySettings proxy_settings_from(const std::function<std::string(const char* name)>& variable);

// The URL of the proxy for a target such as "https://host:port", or empty. Loopback is always reached
// directly, and so is what an exception names: a host, a domain with all below it (".example.org" or
// "example.org"), either with ":port", an address.
std::string proxy_for(const ProxySettings& settings, std::string_view target_url);

struct Proxy {
  std::string host;
  std::uint16_t port = 0;
  Secret credentials;  // "user:password", decoded; may be empty
};

// "http://[user:password@]host[:port]"; a bare "host:port" counts as http. Errors: invalid (the text does
// not show the password), unsupported (a proxy that itself speaks TLS, or SOCKS).
Result<Proxy> parse_proxy(std::string_view url);

// "Proxy-Authorization: …\r\n", or nothing.
std::string authorization_line(const Proxy& proxy);

// The CONNECT request for a tunnel to host and port.
std::string tunnel_request(const Proxy& proxy, std::string_view host, std::uint16_t port);

// The head of the proxy's answer to it. `target` is named in errors: denied (401, 403, 407), transient.
Result<void> check_tunnel_answer(std::string_view head, const Proxy& proxy, std::string_view target);

}  // namespace agent::net
