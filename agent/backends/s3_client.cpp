#include "agent/backends/s3_client.hpp"

#include <array>
#include <thread>

#include "agent/backends/s3_fault.hpp"
#include "agent/core/digest.hpp"
#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/random.hpp"

namespace agent::backends {

namespace {

using namespace std::chrono_literals;

constexpr unsigned k_repeats = 2;
constexpr auto k_first_pause = 40ms;
constexpr auto k_patience = 2s;  // with an attempt that then is repeated

net::PoolOptions pool_options(const S3Address& address, const Variables& variables, net::ClientOptions http) {
  net::PoolOptions options{.client = std::move(http), .proxies = {}};
  options.client.ca_file = address.ca_file;
  options.proxies = net::proxy_settings_from(variables);
  return options;
}

}  // namespace

S3Client::S3Client(S3Address address, const StorageServices& services, net::ClientOptions http)
    : address_(std::move(address)),
      clock_(services.clock),
      pool_(pool_options(address_, services.variables, std::move(http))),
      credentials_({.clock = services.clock,
                    .pool = pool_,
                    .variables = services.variables,
                    .profile = address_.profile,
                    .region = address_.region}) {}

Result<net::ClientResponse> S3Client::send_signed(const S3Call& call) {
  AGENT_TRY(const auto keys, credentials_.keys());
  const auto now = clock_.wall();
  const auto host = address_.host();
  const auto path = address_.path_of(call.key);
  const auto digest = io::sha256(io::bytes_of(call.body)).hex();
  net::ClientRequest request{.method = call.method, .target = {}, .headers = call.headers, .body = {}};
  request.repeat = net::Repeat::never;  // who repeats must know
  request.headers.add("x-amz-content-sha256", digest);
  request.headers.add("x-amz-date", amz_date(now));
  if (!keys.session_token.empty()) {
    request.headers.add("x-amz-security-token", keys.session_token.reveal());
  }
  const auto authorization = authorization_of({.method = call.method,
                                               .host = host,
                                               .path = path,
                                               .query = call.query,
                                               .headers = request.headers,
                                               .payload_sha256 = digest},
                                              keys, {.region = address_.region, .time = now});
  request.headers.add("Authorization", authorization);
  request.headers.add("Host", host);
  request.headers.add("User-Agent", "hearth");
  auto url = address_.url_of(call.key);
  if (!call.query.empty()) {
    url += "?" + canonical_query(call.query);
  }
  return pool_.send(url, std::move(request), call.body);
}

Result<net::ClientResponse> S3Client::send_once(const S3Call& call) {
  auto answer = send_signed(call);
  if (answer && is_expired(*answer)) {
    credentials_.forget();
    answer = send_signed(call);
  }
  if (!answer) {
    return with_context(fmt::format("{} at {}", call.operation, address_.describe()),
                        std::move(answer).error());
  }
  return answer;
}

Result<net::ClientResponse> S3Client::send(const S3Call& call) {
  for (unsigned attempt = 0;; ++attempt) {
    const auto begun = std::chrono::steady_clock::now();
    auto answer = send_once(call);
    const bool worth_more = answer ? may_be_done(*answer) : answer.error().code == Errc::transient;
    if (!worth_more || !pause(attempt, begun)) {
      return answer;
    }
  }
}

bool S3Client::pause(unsigned attempt, Steady begun) {
  if (attempt >= k_repeats || std::chrono::steady_clock::now() - begun > k_patience) {
    return false;
  }
  const auto whole = std::chrono::milliseconds(k_first_pause) * (attempt == 0 ? 1 : 4);
  const auto jitter =
      std::chrono::milliseconds(io::random_number() % static_cast<std::uint64_t>(whole.count()));
  std::this_thread::sleep_for((whole / 2) + jitter);
  return true;
}

Error S3Client::error_of(const S3Call& call, const net::ClientResponse& answer) const {
  return s3_error(call.operation, address_, answer, clock_.wall());
}

}  // namespace agent::backends
