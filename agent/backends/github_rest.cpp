#include "agent/backends/github_rest.hpp"

#include "agent/backends/github_service.hpp"

namespace agent::backends {

namespace {

constexpr int k_ok = 200;
constexpr int k_no_content = 204;
constexpr int k_not_found = 404;
constexpr std::size_t k_per_page = 100;
constexpr std::size_t k_most_pages = 200;

std::string escaped(std::string_view prefix) {
  std::string text;
  for (const char letter : prefix) {
    text += letter == '/' ? "%2F" : std::string(1, letter);
  }
  return text;
}

}  // namespace

Result<void> GithubRest::check(std::string_view operation) const {
  if (!has_token()) {
    return fail(Errc::unsupported,
                "{}: GitHub lists and deletes cache entries only for a token of its REST interface: set "
                "GITHUB_TOKEN and GITHUB_REPOSITORY (in a workflow: the action's input token, and "
                "permissions: actions: write to delete)",
                operation);
  }
  return {};
}

std::string GithubRest::caches_url() const {
  return fmt::format("{}/repos/{}/actions/caches", config_.api, config_.repository);
}

Result<std::vector<ListedEntry>> GithubRest::list(std::string_view prefix) {
  const auto operation = fmt::format("list {}", prefix);
  AGENT_CHECK(check(operation));
  std::vector<ListedEntry> entries;
  for (std::size_t page = 1; page <= k_most_pages; ++page) {
    ServiceCall call{.name = "rest_list",
                     .kind = CallKind::look_up,
                     .url = fmt::format("{}?key={}&sort=created_at&direction=asc&per_page={}&page={}",
                                        caches_url(), escaped(prefix), k_per_page, page),
                     .request = {}};
    AGENT_TRY(const auto answer, calls_.send_rest("rest_list", std::move(call)));
    if (answer.status != k_ok) {
      return std::unexpected(calls_.rest_error_of(operation, answer));
    }
    auto listed = parse_listed_page(answer.body);
    if (!listed) {
      return with_context(operation, std::move(listed).error());
    }
    const auto count = listed->entries.size();
    for (auto& entry : listed->entries) {
      if (entry.version == k_entry_version && entry.key.starts_with(prefix)) {
        entries.push_back(std::move(entry));
      }
    }
    if (count < k_per_page) {
      return entries;
    }
  }
  return fail(Errc::transient, "{}: more than {} entries", operation, k_per_page * k_most_pages);
}

Result<std::uint64_t> GithubRest::usage() {
  constexpr std::string_view k_operation = "ask for the usage";
  AGENT_CHECK(check(k_operation));
  ServiceCall call{.name = "rest_usage",
                   .kind = CallKind::look_up,
                   .url = fmt::format("{}/repos/{}/actions/cache/usage", config_.api, config_.repository),
                   .request = {}};
  AGENT_TRY(const auto answer, calls_.send_rest("rest_usage", std::move(call)));
  if (answer.status != k_ok) {
    return std::unexpected(calls_.rest_error_of(k_operation, answer));
  }
  return parse_usage(answer.body);
}

Result<void> GithubRest::remove(const ListedEntry& entry) {
  const auto operation = fmt::format("remove {}", entry.key);
  AGENT_CHECK(check(operation));
  ServiceCall call{.name = "rest_delete",
                   .kind = CallKind::write,
                   .url = fmt::format("{}/{}", caches_url(), entry.id),
                   .request = {}};
  call.request.method = "DELETE";
  AGENT_TRY(const auto answer, calls_.send_rest("rest_delete", std::move(call)));
  if (answer.status == k_no_content || answer.status == k_ok || answer.status == k_not_found) {
    return {};
  }
  return std::unexpected(calls_.rest_error_of(operation, answer));
}

}  // namespace agent::backends
