// Listing and deleting cache entries through GitHub's REST interface, which takes another token than the
// cache service: GITHUB_TOKEN with `actions: read`, and `actions: write` to delete. Thread-safe; blocks as
// net::HttpClient does.
// Source: docs.github.com/rest/actions/cache, API version 2022-11-28; read 2026-11.
#pragma once

#include <string_view>
#include <vector>

#include "agent/backends/github_answers.hpp"
#include "agent/backends/github_calls.hpp"

namespace agent::backends {

class GithubRest final {
public:
  // `config`, `clock` and `registry` outlive it.
  GithubRest(const GithubConfig& config, const Clock& clock, metrics::Registry& registry)
      : config_(config), calls_(config, clock, registry) {}

  // Our entries whose key starts with `prefix`, of every scope. Errors: unsupported (there is no token: the
  // text says which helps), denied, transient.
  Result<std::vector<ListedEntry>> list(std::string_view prefix);

  // Deleting what is not there succeeds. Errors: as list.
  Result<void> remove(const ListedEntry& entry);

  // Bytes of all entries of the repository, ours and others', some minutes old. Errors: as list.
  Result<std::uint64_t> usage();

  bool has_token() const { return !config_.rest_token.empty() && !config_.repository.empty(); }

private:
  Result<void> check(std::string_view operation) const;
  std::string caches_url() const;

  const GithubConfig& config_;
  GithubCalls calls_;
};

}  // namespace agent::backends
