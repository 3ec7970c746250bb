// HTTP/1.1 client calls (Poco), over TCP, TLS or a Unix socket. One object is used by one thread at a time
// and keeps its connection alive between calls. Proxies of the environment are not used: a caller who wants
// one names it (agent/net/proxy.hpp). Any HTTP status is an answer, not an error: what it means is the
// caller's protocol. Errors: transient (connect, timeout, truncated answer, in chunks as well), invalid (bad
// URL or request, answer too large, no such certificates), denied (TLS: the certificate is not trusted; the
// proxy wants a password), corrupt (the answer is not HTTP), unsupported (a transfer coding nobody asked
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
  io::fs::path ca_file;  // certificates (PEM) to trust beside the system's
  std::string proxy;     // "http://[user:password@]host:port": TLS goes through CONNECT; empty: none
};

// Whether a request may go out a second time on a new connection after a kept one was cut without an answer.
enum class Repeat : std::uint8_t { where_method_allows, never };

struct ClientRequest {
  std::string method = "GET";
  std::string target = "/";  // path and query, already encoded
  Headers headers;
  std::string body;
  Repeat repeat = Repeat::where_method_allows;  // all but POST and PATCH
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
  // request went out, POST and PATCH (and what says Repeat::never) are not sent twice: transient.
  Result<ClientResponse> send(const ClientRequest& request);

  // The same with a body that is borrowed for the call; request.body is not sent.
  Result<ClientResponse> send(const ClientRequest& request, std::string_view body);

  // Another client of the same server with a connection of its own. Shares the trusted certificates, which
  // take a while to load. Safe while other threads use this one.
  HttpClient another() const;

private:
  struct State;
  explicit HttpClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace agent::net
