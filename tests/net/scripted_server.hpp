// A server that plays a script: one step per request head it reads. For answers no proper server would give.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "agent/io/fd.hpp"

namespace agent::net::tests {

struct ScriptStep {
  std::string answer;
  bool close = false;  // after the answer
};

class ScriptedServer final {
public:
  explicit ScriptedServer(std::vector<ScriptStep> script)
      : script_(std::move(script)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    ::listen(listener_.get(), 8);
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this](const std::stop_token& stop) { play(stop); });
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  unsigned connections() const { return connections_.load(); }

private:
  static bool readable(int fd, const std::stop_token& stop) {
    constexpr int k_look_ms = 20;
    pollfd wait{.fd = fd, .events = POLLIN, .revents = 0};
    while (!stop.stop_requested()) {
      if (::poll(&wait, 1, k_look_ms) > 0) {
        return true;
      }
    }
    return false;
  }

  static bool read_head(int fd, const std::stop_token& stop) {
    std::string received;
    std::array<char, 4096> buffer{};
    while (!received.contains("\r\n\r\n")) {
      const auto count = readable(fd, stop) ? ::recv(fd, buffer.data(), buffer.size(), 0) : 0;
      if (count <= 0) {
        return false;
      }
      received.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return true;
  }

  void play(const std::stop_token& stop) {
    io::Fd client;
    for (const auto& step : script_) {
      while (!client.valid() || !read_head(client.get(), stop)) {
        if (!readable(listener_.get(), stop)) {
          return;
        }
        client = io::Fd(::accept(listener_.get(), nullptr, nullptr));
        ++connections_;
      }
      ::send(client.get(), step.answer.data(), step.answer.size(), MSG_NOSIGNAL);
      if (step.close) {
        client.reset();
      }
    }
    readable(client.valid() ? client.get() : listener_.get(), stop);
  }

  std::vector<ScriptStep> script_;
  io::Fd listener_;
  std::uint16_t port_ = 0;
  std::atomic<unsigned> connections_{0};
  std::jthread thread_;
};

}  // namespace agent::net::tests
