// A TLS server with a certificate it signed itself, made on the spot; it answers one request per connection.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "agent/io/fd.hpp"
#include "tests/net/self_signed.hpp"

namespace agent::net::tests {

class TlsServer final {
public:
  TlsServer()
      : context_(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free),
        listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    certificate_.use_in(context_.get());
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    ::listen(listener_.get(), 8);
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }

  std::string url() const { return "https://localhost:" + std::to_string(port_); }
  unsigned requests() const { return requests_.load(); }

  bool write_certificate(const std::string& path) const { return certificate_.write(path); }

private:
  void serve(const std::stop_token& stop) {
    constexpr int k_look_ms = 20;
    while (!stop.stop_requested()) {
      pollfd wait{.fd = listener_.get(), .events = POLLIN, .revents = 0};
      if (::poll(&wait, 1, k_look_ms) <= 0) {
        continue;
      }
      const io::Fd client(::accept(listener_.get(), nullptr, nullptr));
      const std::unique_ptr<SSL, decltype(&SSL_free)> session(SSL_new(context_.get()), &SSL_free);
      SSL_set_fd(session.get(), client.get());
      std::array<char, 4096> buffer{};
      if (SSL_accept(session.get()) == 1 &&
          SSL_read(session.get(), buffer.data(), static_cast<int>(buffer.size())) > 0) {
        ++requests_;
        const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret";
        SSL_write(session.get(), answer.data(), static_cast<int>(answer.size()));
        SSL_shutdown(session.get());
      }
    }
  }

  SelfSigned certificate_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  io::Fd listener_;
  std::uint16_t port_ = 0;
  std::atomic<unsigned> requests_{0};
  std::jthread thread_;
};

}  // namespace agent::net::tests
