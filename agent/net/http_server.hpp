// The HTTP/1.1 server of the hot path: epoll loops, keep-alive and pipelining, bodies sent with sendfile(2).
// Thread-safe where noted. Hostile clients meet limits (head size, header count, body size, idle time), never
// memory.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "agent/core/result.hpp"
#include "agent/io/file.hpp"
#include "agent/metrics/registry.hpp"
#include "agent/net/http.hpp"

namespace agent::net {

struct HttpServerOptions {
  std::string address = "127.0.0.1";  // empty: no TCP listener
  std::uint16_t port = 0;             // 0 picks one
  io::fs::path unix_socket{};         // empty: none; at most 107 bytes; created with mode 0600
  unsigned loops = 2;                 // event loop threads
  std::size_t max_connections = 1024;
  std::size_t max_head_bytes = std::size_t{64} * 1024;
  std::uint64_t max_body_bytes = std::uint64_t{4} << 30U;
  std::chrono::milliseconds head_timeout{30'000};  // from the first byte of a head to its end
  std::chrono::milliseconds idle_timeout{120'000};
};

class HttpServer final {
public:
  // Listens and serves from its own threads from now on.
  // Errors: conflict (address in use), denied, invalid (address, socket path too long), io.
  static Result<std::unique_ptr<HttpServer>> start(HttpServerOptions options, Handler handler,
                                                   metrics::Registry& registry);
  ~HttpServer();  // stops accepting, closes every connection, joins

  std::uint16_t port() const;

  // Safe from any thread: time of the last request's head (steady clock), for the idle limit.
  std::chrono::steady_clock::time_point last_activity() const;

  // Stops accepting and lets answers in progress end, up to the deadline.
  void drain(std::chrono::milliseconds deadline);

private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace agent::net
