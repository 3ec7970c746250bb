// One connection of a TlsFront: TLS on one side, a Unix socket on the other, a buffer for each direction. A
// resource of one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "agent/io/fd.hpp"
#include "agent/io/file.hpp"

struct ssl_st;      // OpenSSL's SSL
struct ssl_ctx_st;  // and SSL_CTX

namespace agent::net {

struct FreeSsl {
  void operator()(ssl_st* ssl) const;
};
struct FreeSslContext {
  void operator()(ssl_ctx_st* context) const;
};
using SslContext = std::unique_ptr<ssl_ctx_st, FreeSslContext>;

struct RelayLimits {
  std::chrono::steady_clock::time_point handshake_until;
  std::chrono::milliseconds write_timeout;  // for a client to read some of what it is owed
};

class TlsRelay final {
public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  TlsRelay(io::Fd client, ssl_ctx_st* context, const io::fs::path& server, const RelayLimits& limits);

  // Does what can be done without waiting.
  void pump(SteadyTime now);

  bool closed() const { return closed_; }
  int connect_error() const { return connect_error_; }  // errno of reaching the server; 0: none
  int client() const { return client_.get(); }
  int inner() const { return inner_.get(); }  // -1 until the handshake is done

  // What to wait for, as epoll has it.
  std::uint32_t client_events() const;
  std::uint32_t inner_events() const;

  // Not done with its handshake by now, or does not read.
  bool is_late(SteadyTime now) const { return now > deadline_; }

private:
  bool shake_hands();
  void refuse_plain();
  bool connect();
  bool take_from_client();
  bool give_to_inner();
  bool take_from_inner();
  bool give_to_client();
  void expect_reading(SteadyTime now);
  bool note(int result);  // of an SSL call that did not succeed; false: the connection is over
  void close() { closed_ = true; }

  io::Fd client_;
  io::Fd inner_;
  std::unique_ptr<ssl_st, FreeSsl> ssl_;
  const io::fs::path& server_;
  const std::chrono::milliseconds write_timeout_;
  SteadyTime deadline_;     // of the handshake; then max() unless the client is owed something
  std::string up_;          // to the server
  std::string down_;        // to the client
  std::uint64_t read_ = 0;  // by the client, since the deadline was last moved
  bool wants_write_ = false;
  bool client_ended_ = false;
  bool inner_ended_ = false;
  bool told_inner_ = false;
  bool closed_ = false;
  int connect_error_ = 0;
};

}  // namespace agent::net
