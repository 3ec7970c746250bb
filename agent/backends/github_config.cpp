#include "agent/backends/github_config.hpp"

#include "agent/core/text.hpp"
#include "agent/net/client_pool.hpp"

namespace agent::backends {

namespace {

// GitHub Enterprise Server has version 1 only.
bool is_enterprise_server(std::string_view server_url) {
  if (server_url.empty()) {
    return false;
  }
  const auto split = net::split_url(server_url);
  if (!split) {
    return false;
  }
  std::string_view host = split->origin;
  host.remove_prefix(host.find("://") + 3);
  host = host.substr(0, host.find(':'));
  return host != "github.com" && !host.ends_with(".ghe.com") && !host.ends_with(".localhost");
}

struct Wanted {
  std::string service = "auto";
  std::chrono::milliseconds patience{15'000};
  std::uint64_t quota_bytes = std::uint64_t{10} << 30U;
};

Result<Wanted> parse_wanted(const StorageUrl& url) {
  constexpr std::string_view k_form = "github, or github://?service=v1|v2&patience=15s&quota=10GiB";
  std::string_view rest = url.rest;
  Wanted wanted;
  if (rest.starts_with('/')) {
    rest.remove_prefix(1);
  }
  if (rest.empty()) {
    return wanted;
  }
  if (!rest.starts_with('?')) {
    return fail(Errc::invalid, "backend '{}': the job's variables say which repository; the form is {}",
                url.text, k_form);
  }
  for (const auto part : split(rest.substr(1), '&')) {
    const auto equals = part.find('=');
    const auto name = part.substr(0, equals);
    const auto value = equals == std::string_view::npos ? std::string_view{} : part.substr(equals + 1);
    if (name == "service" && (value == "v1" || value == "v2" || value == "auto")) {
      wanted.service = value;
    } else if (name == "patience") {
      AGENT_TRY(wanted.patience, parse_duration(value, "backend github: patience"));
    } else if (name == "quota") {
      AGENT_TRY(wanted.quota_bytes, parse_size(value, "backend github: quota"));
    } else {
      return fail(Errc::invalid, "backend '{}': '{}' is not understood; the form is {}", url.text, part,
                  k_form);
    }
  }
  return wanted;
}

}  // namespace

bool GithubConfig::writes() const {
  return cache_mode != "read" && cache_mode != "none";
}

Result<GithubConfig> github_config(const StorageUrl& url, const Variables& variables) {
  AGENT_TRY(const auto wanted, parse_wanted(url));
  const auto results = variables("ACTIONS_RESULTS_URL");
  const auto cache = variables("ACTIONS_CACHE_URL");
  GithubConfig config;
  config.runtime_token = Secret(variables("ACTIONS_RUNTIME_TOKEN"));
  config.repository = variables("GITHUB_REPOSITORY");
  config.cache_mode = lowered(variables("ACTIONS_CACHE_MODE"));
  config.api = variables("GITHUB_API_URL");
  config.rest_token = Secret(variables("GITHUB_TOKEN"));
  config.patience = wanted.patience;
  config.quota_bytes = wanted.quota_bytes;
  config.proxies = net::proxy_settings_from(variables);
  const bool first =
      wanted.service == "v1" ||
      (wanted.service == "auto" && (is_enterprise_server(variables("GITHUB_SERVER_URL")) || results.empty()));
  config.service = first ? GithubConfig::Service::v1 : GithubConfig::Service::v2;
  const auto& text = first ? cache : results;
  if (text.empty() || config.runtime_token.empty()) {
    return fail(
        Errc::denied,
        "backend github: {} is not set; GitHub's runner gives the cache variables to actions only, "
        "not to run: steps, so use the Hearth action, or another backend",
        text.empty() ? (first ? "ACTIONS_CACHE_URL" : "ACTIONS_RESULTS_URL") : "ACTIONS_RUNTIME_TOKEN");
  }
  AGENT_TRY(const auto split, net::split_url(text));
  config.base = split.origin + (first ? split.target : "/");
  if (!config.base.ends_with('/')) {
    config.base += '/';
  }
  if (config.api.empty()) {
    config.api = "https://api.github.com";
  }
  while (config.api.ends_with('/')) {
    config.api.pop_back();
  }
  return config;
}

}  // namespace agent::backends
