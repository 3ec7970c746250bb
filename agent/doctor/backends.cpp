#include "agent/doctor/backends.hpp"

#include <algorithm>

#include "agent/core/text.hpp"

namespace agent::doctor {

std::vector<Backend> named_backends(const Chart& chart) {
  std::vector<Backend> named;
  for (const auto& backend : k_backends) {
    const auto value = chart.variable(backend.variable);
    const bool off = backend.name == "ghac" && (value == "off" || value == "false" || value == "0");
    if (!value.empty() && !off) {
      named.push_back(backend);
    }
  }
  return named;
}

std::string backend_of(std::string_view cache_location) {
  const auto low = lowered(cache_location);
  if (low.starts_with("local disk")) {
    return "disk";
  }
  return low.substr(0, low.find_first_of(",: "));
}

std::string storage_host(const Chart& chart) {
  for (const std::string_view name : {"SCCACHE_WEBDAV_ENDPOINT", "SCCACHE_ENDPOINT"}) {
    auto value = chart.variable(name);
    if (value.empty()) {
      continue;
    }
    std::string_view rest(value);
    if (const auto scheme = rest.find("://"); scheme != std::string_view::npos) {
      rest.remove_prefix(scheme + 3);
    }
    rest = rest.substr(0, rest.find('/'));
    if (rest.starts_with('[')) {
      return std::string(rest.substr(0, rest.find(']') + 1));
    }
    return std::string(rest.substr(0, rest.rfind(':')));
  }
  return {};
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host.starts_with("127.") || host == "[::1]";
}

bool exempts(std::string_view no_proxy, std::string_view host) {
  return std::ranges::any_of(split(no_proxy, ','), [&](std::string_view entry) {
    entry = trimmed(entry);
    if (entry.starts_with('.')) {
      entry.remove_prefix(1);
    }
    const bool network = entry == "127.0.0.0/8" && host.starts_with("127.");
    return entry == "*" || entry == host || network || (!entry.empty() && host.ends_with(entry));
  });
}

}  // namespace agent::doctor
