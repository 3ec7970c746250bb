// A TLS client that does only what a test says, over whatever socket; trusts everybody.
#pragma once

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "agent/io/fd.hpp"
#include "tests/net/raw_client.hpp"

namespace agent::net::tests {

class TlsClient final {
public:
  explicit TlsClient(std::uint16_t port) : TlsClient(connected_to(port)) {}
  explicit TlsClient(io::Fd socket)
      : socket_(std::move(socket)),
        context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free),
        session_(SSL_new(context_.get()), &SSL_free) {
    SSL_set_fd(session_.get(), socket_.get());
    SSL_set_connect_state(session_.get());
  }

  // False where it is not done: over a socket that does not block, yet.
  bool shake_hands() { return SSL_do_handshake(session_.get()) == 1; }

  bool send(std::string_view text) {
    return SSL_write(session_.get(), text.data(), static_cast<int>(text.size())) ==
           static_cast<int>(text.size());
  }

  // How much there was, up to `most` bytes.
  std::size_t read(std::size_t most) {
    std::array<char, 4096> buffer{};
    std::size_t total = 0;
    while (total < most) {
      const auto size = std::min(buffer.size(), most - total);
      const int count = SSL_read(session_.get(), buffer.data(), static_cast<int>(size));
      if (count <= 0) {
        break;
      }
      total += static_cast<std::size_t>(count);
    }
    return total;
  }

private:
  static io::Fd connected_to(std::uint16_t port) {
    io::Fd socket(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    return socket;
  }

  io::Fd socket_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> session_;
};

}  // namespace agent::net::tests
