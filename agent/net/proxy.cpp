#include "agent/net/proxy.hpp"

#include <algorithm>
#include <optional>

#include "agent/core/text.hpp"
#include "agent/io/base64.hpp"
#include "agent/io/fd.hpp"
#include "agent/net/http_syntax.hpp"

namespace agent::net {

namespace {

struct HostPort {
  std::string host;  // lower case, without brackets
  std::string port;  // empty where none is given
};

HostPort split_host(std::string_view authority) {
  HostPort split;
  const auto bracket = authority.rfind(']');
  const auto colon = authority.rfind(':');
  const bool bare_v6 = bracket == std::string_view::npos && authority.find(':') != colon;
  const bool has_port =
      !bare_v6 && colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  split.host = lowered(has_port ? authority.substr(0, colon) : authority);
  split.port = has_port ? std::string(authority.substr(colon + 1)) : "";
  if (split.host.starts_with('[') && split.host.ends_with(']')) {
    split.host = split.host.substr(1, split.host.size() - 2);
  }
  return split;
}

std::string_view authority_of(std::string_view url) {
  const auto scheme = url.find("://");
  auto rest = scheme == std::string_view::npos ? url : url.substr(scheme + 3);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  const auto user = rest.rfind('@');
  return user == std::string_view::npos ? rest : rest.substr(user + 1);
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host.ends_with(".localhost") || host == "::1" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos);
}

bool is_exception(std::string_view exception, const HostPort& target) {
  if (exception == "*") {
    return true;
  }
  auto named = split_host(exception);
  if (named.host.starts_with("*.")) {
    named.host.erase(0, 1);
  }
  if (named.host.empty() || (!named.port.empty() && named.port != target.port)) {
    return false;
  }
  const auto domain = named.host.starts_with('.') ? named.host : "." + named.host;
  return target.host == std::string_view(domain).substr(1) || target.host.ends_with(domain);
}

std::string authority_text(std::string_view host, std::uint16_t port) {
  return !host.contains(':') ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

}  // namespace

ProxySettings proxy_settings_from(const std::function<std::string(const char* name)>& variable) {
  const auto either = [&](const char* lower, const char* upper) {
    auto value = variable(lower);
    return value.empty() ? variable(upper) : value;
  };
  return {.https = either("https_proxy", "HTTPS_PROXY"),
          .http = either("http_proxy", "HTTP_PROXY"),
          .exceptions = either("no_proxy", "NO_PROXY")};
}

std::string proxy_for(const ProxySettings& settings, std::string_view target_url) {
  const bool secure = lowered(target_url.substr(0, target_url.find("://"))) == "https";
  auto target = split_host(authority_of(target_url));
  if (target.port.empty()) {
    target.port = secure ? "443" : "80";
  }
  const auto exceptions = split(settings.exceptions, ',');
  const bool direct = is_loopback(target.host) || std::ranges::any_of(exceptions, [&](auto exception) {
                        return is_exception(trimmed(exception), target);
                      });
  return direct ? std::string() : secure ? settings.https : settings.http;
}

Result<Proxy> parse_proxy(std::string_view url) {
  const auto scheme_end = url.find("://");
  const auto scheme = scheme_end == std::string_view::npos ? "http" : lowered(url.substr(0, scheme_end));
  const auto authority = authority_of(url);
  if (scheme != "http") {
    return fail(Errc::unsupported, "proxy {}://{}: only http:// proxies are spoken to", scheme, authority);
  }
  auto rest = scheme_end == std::string_view::npos ? url : url.substr(scheme_end + 3);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  const auto user_end = rest.rfind('@');
  const auto credentials = user_end == std::string_view::npos ? std::optional<std::string>("")
                                                              : percent_decoded(rest.substr(0, user_end));
  const auto [host, port_text] = split_host(authority);
  constexpr std::uint16_t k_default_port = 80;
  const auto port =
      port_text.empty() ? std::optional<std::uint64_t>(k_default_port) : parse_length(port_text);
  constexpr std::uint64_t k_highest_port = 65'535;
  if (host.empty() || !is_target("/" + host) || !credentials || !port || *port == 0 ||
      *port > k_highest_port) {
    return fail(Errc::invalid, "proxy '{}' is no URL of the form http://host:port", authority);
  }
  return Proxy{.host = host, .port = static_cast<std::uint16_t>(*port), .credentials = Secret(*credentials)};
}

std::string authorization_line(const Proxy& proxy) {
  return proxy.credentials.empty() ? std::string()
                                   : fmt::format("Proxy-Authorization: Basic {}\r\n",
                                                 io::to_base64(io::bytes_of(proxy.credentials.reveal())));
}

std::string tunnel_request(const Proxy& proxy, std::string_view host, std::uint16_t port) {
  const auto target = authority_text(host, port);
  return fmt::format("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n{1}\r\n", target, authorization_line(proxy));
}

Result<void> check_tunnel_answer(std::string_view head, const Proxy& proxy, std::string_view target) {
  constexpr std::size_t k_status_at = 9;
  const auto status = head.starts_with("HTTP/1.") && head.size() > k_status_at + 3
                          ? parse_length(head.substr(k_status_at, 3))
                          : std::nullopt;
  if (status && *status / 100 == 2) {
    return {};
  }
  const auto answer = status ? std::to_string(*status) : std::string("no HTTP");
  if (status == 401 || status == 403 || status == 407) {
    return fail(Errc::denied,
                "connect {}: the proxy {} answers {}; check the proxy's URL and password, or add the "
                "host to NO_PROXY",
                target, proxy.host, answer);
  }
  return fail(Errc::transient, "connect {}: the proxy {} answers {}", target, proxy.host, answer);
}

}  // namespace agent::net
