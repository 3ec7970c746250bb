#include "agent/net/tls_relay.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "agent/net/server_core.hpp"

namespace agent::net {

namespace {

constexpr std::size_t k_buffer = std::size_t{64} * 1024;
constexpr std::size_t k_step = std::size_t{16} * 1024;  // a TLS record

bool would_wait() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

}  // namespace

void FreeSsl::operator()(ssl_st* ssl) const {
  SSL_free(ssl);
}

void FreeSslContext::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

TlsRelay::TlsRelay(io::Fd client, ssl_ctx_st* context, const io::fs::path& server, const RelayLimits& limits)
    : client_(std::move(client)),
      ssl_(SSL_new(context)),
      server_(server),
      write_timeout_(limits.write_timeout),
      deadline_(limits.handshake_until) {
  if (!ssl_ || SSL_set_fd(ssl_.get(), client_.get()) != 1) {
    close();
    return;
  }
  SSL_set_accept_state(ssl_.get());
  SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

bool TlsRelay::note(int result) {
  const auto reason = SSL_get_error(ssl_.get(), result);
  if (reason == SSL_ERROR_WANT_WRITE) {
    wants_write_ = true;
    return true;
  }
  return reason == SSL_ERROR_WANT_READ;
}

bool TlsRelay::shake_hands() {
  ERR_clear_error();
  const int done = SSL_do_handshake(ssl_.get());
  if (done == 1) {
    return connect();
  }
  if (!note(done)) {
    if (ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_HTTP_REQUEST) {
      refuse_plain();
    }
    close();
  }
  return false;
}

// Somebody who speaks HTTP to us would see nothing but a broken connection.
void TlsRelay::refuse_plain() {
  constexpr std::string_view k_text =
      "this port speaks TLS: https://, or scheme=https in the backend's URL\n";
  const auto answer = fmt::format(
      "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: "
      "close\r\n\r\n{}",
      k_text.size(), k_text);
  ::send(client_.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
  ::shutdown(client_.get(), SHUT_WR);
  // What is unread when we close makes the kernel take the answer back.
  std::array<char, k_step> unread{};
  std::size_t passed = 0;
  while (passed < k_buffer) {
    const auto count = ::recv(client_.get(), unread.data(), unread.size(), 0);
    if (count <= 0) {
      break;
    }
    passed += static_cast<std::size_t>(count);
  }
}

// The server is on this machine: it accepts at once, or its queue is full and the client had better go.
bool TlsRelay::connect() {
  inner_ = io::Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto path = server_.string();
  if (!inner_.valid() || path.size() >= sizeof(address.sun_path)) {
    connect_error_ = inner_.valid() ? ENAMETOOLONG : errno;
    close();
    return false;
  }
  std::memcpy(&address.sun_path, path.data(), path.size());
  if (::connect(inner_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    connect_error_ = errno;
    close();
    return false;
  }
  deadline_ = SteadyTime::max();
  return true;
}

bool TlsRelay::take_from_client() {
  std::array<char, k_step> bytes{};
  bool moved = false;
  while (!client_ended_ && up_.size() + k_step <= k_buffer) {
    ERR_clear_error();
    const int count = SSL_read(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (count > 0) {
      up_.append(bytes.data(), static_cast<std::size_t>(count));
      moved = true;
      continue;
    }
    client_ended_ = !note(count);
    moved = moved || client_ended_;
    break;
  }
  return moved;
}

bool TlsRelay::give_to_inner() {
  bool moved = false;
  while (!up_.empty()) {
    const auto count = ::send(inner_.get(), up_.data(), up_.size(), MSG_NOSIGNAL);
    if (count <= 0) {
      if (!would_wait()) {
        close();
      }
      break;
    }
    up_.erase(0, static_cast<std::size_t>(count));
    moved = true;
  }
  if (client_ended_ && up_.empty() && !told_inner_) {
    told_inner_ = true;
    ::shutdown(inner_.get(), SHUT_WR);
  }
  return moved;
}

bool TlsRelay::take_from_inner() {
  std::array<char, k_step> bytes{};
  bool moved = false;
  while (!inner_ended_ && down_.size() + k_step <= k_buffer) {
    const auto count = ::recv(inner_.get(), bytes.data(), bytes.size(), 0);
    if (count > 0) {
      down_.append(bytes.data(), static_cast<std::size_t>(count));
      moved = true;
      continue;
    }
    inner_ended_ = count == 0 || !would_wait();
    moved = moved || inner_ended_;
    break;
  }
  return moved;
}

bool TlsRelay::give_to_client() {
  bool moved = false;
  while (!down_.empty()) {
    ERR_clear_error();
    const int count = SSL_write(ssl_.get(), down_.data(), static_cast<int>(std::min(down_.size(), k_step)));
    if (count <= 0) {
      if (!note(count)) {
        close();
      }
      break;
    }
    down_.erase(0, static_cast<std::size_t>(count));
    read_ += static_cast<std::uint64_t>(count);
    moved = true;
  }
  if (inner_ended_ && down_.empty() && !closed_) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    close();
  }
  return moved;
}

// The server's own limit ends only its side where our buffer is full: we do not look at that side then.
void TlsRelay::expect_reading(SteadyTime now) {
  if (down_.empty()) {
    deadline_ = SteadyTime::max();
    read_ = 0;
  } else if (deadline_ == SteadyTime::max() || read_ >= k_progress_bytes) {
    deadline_ = now + write_timeout_;
    read_ = 0;
  }
}

void TlsRelay::pump(SteadyTime now) {
  wants_write_ = false;
  if (!closed_ && !inner_.valid() && !shake_hands()) {
    return;
  }
  bool moved = true;
  while (moved && !closed_) {
    moved = take_from_client();
    moved = give_to_inner() || moved;
    if (!closed_) {
      moved = take_from_inner() || moved;
      moved = give_to_client() || moved;
    }
  }
  expect_reading(now);
}

std::uint32_t TlsRelay::client_events() const {
  const bool reads = !inner_.valid() || (!client_ended_ && up_.size() + k_step <= k_buffer);
  return (reads ? std::uint32_t{EPOLLIN} : 0U) |
         (wants_write_ || !down_.empty() ? std::uint32_t{EPOLLOUT} : 0U);
}

std::uint32_t TlsRelay::inner_events() const {
  const bool reads = !inner_ended_ && down_.size() + k_step <= k_buffer;
  return (reads ? std::uint32_t{EPOLLIN} : 0U) | (!up_.empty() ? std::uint32_t{EPOLLOUT} : 0U);
}

}  // namespace agent::net
