// TLS in front of an HTTP server that speaks plain HTTP on a Unix socket: ends the encryption and passes the
// bytes on, both ways. The server behind it does not change, nor does its path without TLS. TLS 1.2 and 1.3
// (OpenSSL's defaults). A certificate that is replaced on disk is taken for new connections within seconds;
// one that cannot be read then leaves the one before in use, with a warning. Owns its thread; thread-safe.
// Bounded: connections, a buffer of 64 KiB each way, ten seconds for a handshake, and a time for reading what
// was answered; what else happens later is up to the time limits of the server. Whoever is turned away is
// counted as the HTTP server's are.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "agent/core/result.hpp"
#include "agent/io/file.hpp"
#include "agent/metrics/registry.hpp"
#include "agent/net/http_server.hpp"

namespace agent::net {

struct TlsOptions {
  std::string address;
  std::uint16_t port = 0;    // 0 picks one
  io::fs::path certificate;  // PEM, the chain
  io::fs::path key;          // PEM
  io::fs::path server;       // the Unix socket behind it
  std::size_t max_connections = 4096;
  std::chrono::milliseconds write_timeout =
      HttpServerOptions{}.idle_timeout;  // of a client that does not read
};

class TlsFront final {
public:
  // Errors: those of Listener::tcp; invalid (a certificate or key that cannot be read or do not belong
  // together, by name), io.
  static Result<std::unique_ptr<TlsFront>> start(const TlsOptions& options, metrics::Registry& registry);
  ~TlsFront();  // closes every connection

  std::uint16_t port() const;

  // No new connections from now on; those there are go on.
  void stop_accepting();

private:
  class Loop;
  explicit TlsFront(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
};

}  // namespace agent::net
