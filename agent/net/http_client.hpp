// HTTP/1.1 client calls (Poco), over TCP, TLS or a Unix socket. One object is used by one thread at a time
// and keeps its connection alive between calls. Proxies of the environment are not used. Any HTTP status is
// an answer, not an error: what it means is the caller's protocol. Errors: transient (connect, timeout,
// truncated answer, in chunks as well), invalid (bad URL or request, answer too large), denied (TLS: the
// certificate is not trusted), corrupt (the answer is not HTTP), unsupported (a transfer coding nobody asked
// for). Messages do not show queries: they may be signed.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "agent/core/result.hpp"
#include "agent/io/file.hpp"
#include "agent/net/http.hpp"

namespace agent::net {

struct ClientOptions {
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds timeout{30'000};  // without a byte from the other side
  std::uint64_t max_answer_bytes = std::uint64_t{64} << 20U;
};

struct ClientRequest {
  std::string method = "GET";
  std::string target = "/";  // path and query, already encoded
  Headers headers;
  std::string body;
};

struct ClientResponse {
  int status = 0;
  Headers headers;
  std::string body;
};

class HttpClient final {
public:
  // "http://host:port" or "https://host:port"; a path in it is not used.
  static Result<HttpClient> to_url(std::string_view url, ClientOptions options = {});
  static Result<HttpClient> to_unix_socket(const io::fs::path& socket, ClientOptions options = {});
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;
  ~HttpClient();

  // A kept connection that the server closed meanwhile is opened again once. Where that shows only after the
  // request went out, POST and PATCH are not sent twice: transient.
  Result<ClientResponse> send(const ClientRequest& request);

private:
  struct State;
  explicit HttpClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace agent::net
