// Where GitHub's cache service is and what opens it, from the variables that the runner gives to actions.
// Value type; reading it is a pure function of its arguments.
// Sources: actions/toolkit packages/cache/src/internal/config.ts (which version), shared/cacheTwirpClient.ts
// (the origin counts, not the path), cacheHttpClient.ts (version 1 appends to the path); actions/runner hands
// ACTIONS_CACHE_SERVICE_V2 to node actions only, so its absence means nothing; read 2026-11.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/backends/builtin.hpp"
#include "agent/core/secret.hpp"
#include "agent/net/proxy.hpp"

namespace agent::backends {

// Every variable that the github storage reads: whoever starts an agent elsewhere hands on these and no
// others. GITHUB_TOKEN is for listing and removing only.
inline constexpr std::array<std::string_view, 14> k_github_variables = {
    "ACTIONS_RESULTS_URL", "ACTIONS_CACHE_URL", "ACTIONS_RUNTIME_TOKEN",
    "ACTIONS_CACHE_MODE",  "GITHUB_SERVER_URL", "GITHUB_API_URL",
    "GITHUB_REPOSITORY",   "GITHUB_TOKEN",      "HTTPS_PROXY",
    "HTTP_PROXY",          "NO_PROXY",          "https_proxy",
    "http_proxy",          "no_proxy"};

struct GithubConfig {
  enum class Service : std::uint8_t { v1, v2 } service = Service::v2;
  std::string base;  // of the service, ends with '/'
  Secret runtime_token;
  std::string repository;                      // "owner/name"; empty where the variables do not say
  std::string cache_mode;                      // ACTIONS_CACHE_MODE
  std::string api;                             // of REST, without '/' at the end
  Secret rest_token;                           // for listing and removing; may be empty
  std::chrono::milliseconds patience{15'000};  // how long a reserved name may stay invisible
  // GitHub's own limit for a repository, which it can be asked to raise.
  std::uint64_t quota_bytes = std::uint64_t{10} << 30U;
  net::ProxySettings proxies;

  // Writing is allowed as far as the job knows; the token may still refuse.
  bool writes() const;
};

// "github", "github://", "github://?service=v1&patience=15s&quota=10GiB". Errors: invalid (the URL), denied
// (the job has no cache variables; the text says where they come from).
Result<GithubConfig> github_config(const StorageUrl& url, const Variables& variables);

}  // namespace agent::backends
