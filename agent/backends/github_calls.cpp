#include "agent/backends/github_calls.hpp"

#include "agent/backends/github_answers.hpp"
#include "agent/backends/http_status.hpp"

namespace agent::backends {

namespace {

constexpr std::string_view k_read_only =
    "this job's token is read-only for the cache: GitHub gives such tokens to pull requests of forks and "
    "other untrusted triggers";

// One ranged read, with room for what stands around it.
constexpr std::uint64_t k_most_answer_bytes = std::uint64_t{65} << 20U;

std::string_view host_of(std::string_view base) {
  base.remove_prefix(base.find("://") + 3);
  return base.substr(0, base.find('/'));
}

net::PoolOptions pool_options(const GithubConfig& config) {
  net::PoolOptions options;
  options.client.max_answer_bytes = k_most_answer_bytes;
  options.proxies = config.proxies;
  return options;
}

}  // namespace

GithubCalls::GithubCalls(const GithubConfig& config, const Clock& clock, metrics::Registry& registry)
    : config_(config), clock_(clock), registry_(registry), breaker_(clock), pool_(pool_options(config)) {}

void GithubCalls::count(std::string_view name) {
  registry_
      .counter("hearth_backend_requests_total", "HTTP requests that a remote storage was sent.",
               {{"request", std::string(name)}})
      .add();
}

Result<net::ClientResponse> GithubCalls::send(ServiceCall call) {
  AGENT_CHECK(breaker_.admit(call.kind));
  count(call.name);
  call.request.headers.set("Authorization", "Bearer " + config_.runtime_token.reveal());
  call.request.headers.set("User-Agent", "hearth");
  AGENT_TRY(auto answer, pool_.send(call.url, std::move(call.request)));
  breaker_.note(call.kind, answer);
  return answer;
}

Result<net::ClientResponse> GithubCalls::send_blob(std::string_view name, std::string_view url,
                                                   net::ClientRequest request, std::string_view body) {
  count(name);
  request.headers.set("x-ms-version", "2020-10-02");
  return pool_.send(url, std::move(request), body);
}

Result<net::ClientResponse> GithubCalls::send_rest(std::string_view name, ServiceCall call) {
  count(name);
  call.request.headers.set("Authorization", "Bearer " + config_.rest_token.reveal());
  call.request.headers.set("Accept", "application/vnd.github+json");
  call.request.headers.set("X-GitHub-Api-Version", "2022-11-28");
  call.request.headers.set("User-Agent", "hearth");
  return pool_.send(call.url, std::move(call.request));
}

Error GithubCalls::error_of(std::string_view operation, const net::ClientResponse& answer) const {
  const auto said = parse_twirp_error(answer.body);
  if (said.message.starts_with("cache write denied") || said.message.starts_with("cache read denied")) {
    return denial_of(operation, said.message);
  }
  auto error = error_of_answer(
      {.operation = operation,
       .where = host_of(config_.base),
       .detail = said.message,
       .way_out = answer.status == 401
                      ? "the job's ACTIONS_RUNTIME_TOKEN is not accepted: it ends with its job"
                      : std::string_view{}},
      answer, clock_.wall());
  if (said.code == "resource_exhausted" && error.code != Errc::transient) {
    error.code = Errc::transient;
    error.retry_after = retry_after_of(answer.headers, clock_.wall());
  }
  return error;
}

Error GithubCalls::blob_error_of(std::string_view operation, const net::ClientResponse& answer) const {
  const auto said = answer.headers.get("x-ms-error-code");
  return error_of_answer({.operation = operation,
                          .where = "the cache's blob storage",
                          .detail = said.empty() ? "refused" : said,
                          .way_out = answer.status / 100 == 4 ? "it is tried with another URL" : ""},
                         answer, clock_.wall());
}

Error GithubCalls::rest_error_of(std::string_view operation, const net::ClientResponse& answer) const {
  const auto said = parse_twirp_error(answer.body);
  const bool denied = code_of_status(answer.status) == Errc::denied;
  return error_of_answer(
      {.operation = operation,
       .where = host_of(config_.api),
       .detail = said.message,
       .way_out = denied ? "listing takes a token with actions: read, deleting one with actions: write"
                         : std::string_view{}},
      answer, clock_.wall());
}

Error GithubCalls::denial_of(std::string_view operation, std::string_view message) const {
  const bool writing = !message.starts_with("cache read denied");
  return {.code = Errc::denied,
          .message = fmt::format("{} at {}: {}{}{}", operation, host_of(config_.base), excerpt_of(message),
                                 writing ? "; " : "", writing ? k_read_only : "")};
}

}  // namespace agent::backends
