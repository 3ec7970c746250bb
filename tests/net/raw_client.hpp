// A client that sends whatever bytes a test wants, and reads whatever comes, with a deadline.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "agent/core/text.hpp"
#include "agent/io/fd.hpp"

namespace agent::net::tests {

class RawClient final {
public:
  explicit RawClient(std::uint16_t port, int receive_buffer = 0)
      : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0) {
      ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    }
    const int on = 1;
    ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  explicit RawClient(io::Fd connected) : socket_(std::move(connected)), connected_(true) {}
  explicit RawClient(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    connected_ = ::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }

  bool connected() const { return connected_; }

  // False where the other side is gone.
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) {
        return false;
      }
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  // One answer, head and body as Content-Length says. What came of it before the end or the deadline.
  std::string read_answer(bool to_head = false) {
    while (true) {
      const auto end = pending_.find("\r\n\r\n");
      if (end != std::string::npos) {
        const auto size = end + 4 + (to_head ? 0 : length_in(pending_.substr(0, end)));
        if (pending_.size() >= size) {
          auto answer = pending_.substr(0, size);
          pending_.erase(0, size);
          return answer;
        }
      }
      if (!receive()) {
        return std::exchange(pending_, {});
      }
    }
  }

  // All that came up to and with the first `mark`; where it does not come, all that came.
  std::string read_until(std::string_view mark) {
    auto at = pending_.find(mark);
    while (at == std::string::npos && receive()) {
      at = pending_.find(mark);
    }
    const auto size = at == std::string::npos ? pending_.size() : at + mark.size();
    auto text = pending_.substr(0, size);
    pending_.erase(0, size);
    return text;
  }

  std::string read_to_end() {
    while (receive()) {
    }
    return std::exchange(pending_, {});
  }

  // Whether the other side closes in time, sending nothing more.
  bool is_closed_by_peer() { return !receive() && ended_; }

  void shut_writing() const { ::shutdown(socket_.get(), SHUT_WR); }
  void close() { socket_.reset(); }
  void close_with_reset() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    socket_.reset();
  }

  // Receives once. False: the end, an error, or a silence that no load of the machine explains.
  bool receive() {
    constexpr int k_patience_ms = 20'000;
    pollfd wait{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, k_patience_ms) <= 0) {
      return false;
    }
    constexpr std::size_t k_buffer = 64 * 1024;
    std::array<char, k_buffer> buffer{};
    const auto count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    ended_ = count == 0 || (count < 0 && errno == ECONNRESET);
    if (count <= 0) {
      return false;
    }
    pending_.append(buffer.data(), static_cast<std::size_t>(count));
    return true;
  }

private:
  static std::size_t length_in(std::string_view head) {
    constexpr std::string_view k_name = "\r\nContent-Length: ";
    const auto at = head.find(k_name);
    if (at == std::string_view::npos) {
      return 0;
    }
    const auto value = head.substr(at + k_name.size());
    return parse_number(value.substr(0, value.find('\r')), "length").value_or(0);
  }

  io::Fd socket_;
  bool connected_ = false;
  bool ended_ = false;
  std::string pending_;
};

}  // namespace agent::net::tests
