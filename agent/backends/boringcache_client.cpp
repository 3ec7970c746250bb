#include "agent/backends/boringcache_client.hpp"

#include <thread>

#include "agent/backends/http_status.hpp"

namespace agent::backends {

namespace {

using namespace std::chrono_literals;

constexpr unsigned k_repeats = 2;
constexpr auto k_first_pause = 40ms;

net::PoolOptions options_of(const BoringcacheAddress& address, const Variables& variables,
                            std::chrono::milliseconds connect, std::chrono::milliseconds silence) {
  net::PoolOptions options;
  options.client.connect_timeout = connect;
  options.client.timeout = silence;
  options.client.ca_file = address.ca_file;
  options.proxies = net::proxy_settings_from(variables);
  return options;
}

bool is_trouble(const net::ClientResponse& answer) {
  const bool is_listed =
      answer.status == 500 || answer.status == 502 || answer.status == 503 || answer.status == 504;
  return is_listed && !answer.headers.has("Retry-After");
}

}  // namespace

BoringcacheClient::BoringcacheClient(BoringcacheAddress address, BoringcacheTokens tokens,
                                     const StorageServices& services)
    : address_(std::move(address)),
      tokens_(std::move(tokens)),
      clock_(services.clock),
      api_(options_of(address_, services.variables, 3s, 30s)),
      transfers_(options_of(address_, services.variables, 10s, 60s)) {}

Result<net::ClientResponse> BoringcacheClient::send(net::ClientPool& pool, const std::string& url,
                                                    const net::ClientRequest& request, std::string_view body,
                                                    bool repeats) {
  auto pause = k_first_pause;
  for (unsigned attempt = 0;; ++attempt) {
    auto answer = pool.send(url, request, body);
    const bool failed = answer ? is_trouble(*answer) : answer.error().code == Errc::transient;
    if (!failed || !repeats || attempt == k_repeats) {
      return answer;
    }
    std::this_thread::sleep_for(pause);
    pause *= 3;
  }
}

Result<net::ClientResponse> BoringcacheClient::call(const ApiCall& call) {
  const auto& token = call.purpose == Purpose::save ? tokens_.save : tokens_.restore;
  if (token.empty()) {
    return fail(Errc::denied,
                "{} at {}: there is no token that may save; set BORINGCACHE_SAVE_TOKEN, or use the mode "
                "read-only",
                call.operation, address_.describe());
  }
  net::ClientRequest request{.method = call.method, .target = {}, .headers = call.headers, .body = {}};
  request.repeat = net::Repeat::never;
  request.headers.add("Authorization", "Bearer " + token.reveal());
  request.headers.add("User-Agent", "hearth");
  request.headers.add("Accept", "application/json");
  std::string body;
  if (!call.body.is_null()) {
    request.headers.add("Content-Type", "application/json");
    body = call.body.dump();
  }
  auto answer = send(api_, address_.url_of(call.path), request, body, call.repeats);
  if (!answer) {
    return with_context(fmt::format("{} at {}", call.operation, address_.describe()), answer.error());
  }
  return answer;
}

Result<net::ClientResponse> BoringcacheClient::transfer(const Transfer& transfer) {
  net::ClientRequest request{
      .method = transfer.method, .target = {}, .headers = transfer.headers, .body = {}};
  request.repeat = net::Repeat::never;
  request.headers.set("User-Agent", "hearth");
  if (transfer.method == "PUT" && !request.headers.has("Content-Type")) {
    request.headers.add("Content-Type", "application/octet-stream");
  }
  auto answer = send(transfers_, std::string(transfer.url), request, transfer.body, true);
  if (!answer) {
    return with_context(fmt::format("{} at {}", transfer.operation, address_.describe()), answer.error());
  }
  return answer;
}

Result<ServerFeatures> BoringcacheClient::features() {
  if (const auto known = features_.with([](const auto& value) { return value; })) {
    return *known;
  }
  net::ClientRequest request;
  request.headers.add("Authorization", "Bearer " + tokens_.restore.reveal());
  request.headers.add("User-Agent", "hearth");
  const auto answer = send(api_, address_.base + "/v2/capabilities", request, {}, true);
  if (!answer) {
    return with_context(fmt::format("ask {} what it can do", address_.describe()), answer.error());
  }
  if (answer->status / 100 != 2 && answer->status != 404 && answer->status != 405) {
    return std::unexpected(error_of("ask what the server can do", *answer));
  }
  auto features = answer->status / 100 == 2
                      ? parse_server_features(answer->body)
                      : ServerFeatures{.bootstrap = {}, .stages_blobs = true, .publishes_tags = true};
  features_.with([&](auto& value) { value = features; });
  return features;
}

void BoringcacheClient::learn(const ServerFeatures& features) {
  features_.with([&](auto& value) { value = features; });
}

Error BoringcacheClient::error_of(std::string_view operation, const net::ClientResponse& answer) const {
  const auto said = refusal_text(answer.body);
  const auto where = address_.describe();
  auto error = error_of_answer({.operation = operation, .where = where, .detail = said, .way_out = {}},
                               answer, clock_.wall());
  if (answer.status == 404 && said.empty()) {  // not the API's: somebody in between has lost it for now
    error.code = Errc::transient;
    error.retry_after = retry_after_of(answer.headers, clock_.wall());
  }
  return error;
}

Error BoringcacheClient::not_now(std::string_view operation, const net::ClientResponse& answer) const {
  auto error = error_of(operation, answer);
  error.code = Errc::transient;
  error.retry_after = retry_after_of(answer.headers, clock_.wall());
  return error;
}

}  // namespace agent::backends
