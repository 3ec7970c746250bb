#include "agent/net/acceptor.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <string_view>

#include "agent/core/log.hpp"

namespace agent::net {

namespace {

constexpr std::string_view k_too_many =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\nRetry-After: 1\r\n\r\n";

}  // namespace

std::vector<std::pair<std::uint64_t, int>> Acceptor::listeners() const {
  std::vector<std::pair<std::uint64_t, int>> all;
  all.reserve(listeners_.size());
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    all.emplace_back(i + 1, listeners_[i].fd());
  }
  return all;
}

void Acceptor::resume(SteadyTime now) {
  if (now < resume_at_) {
    return;
  }
  resume_at_ = SteadyTime::max();
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    accept_from(i + 1, now);
  }
}

// The listener is watched edge-triggered: everything in its queue is taken, or a later resume() is planned.
void Acceptor::accept_from(std::uint64_t id, SteadyTime now) {
  const auto& listener = listeners_.at(id - 1);
  while (listener.is_open()) {
    auto next = listener.accept();
    if (next.socket.valid()) {
      welcome(std::move(next.socket), listener.is_unix());
      continue;
    }
    if (next.shortage != 0) {
      core_.figures.count_refusal(Refusal::descriptors);
      log::warn("http: cannot accept: {}", std::generic_category().message(next.shortage));
      resume_at_ = now + k_accept_rest;
    }
    return;
  }
}

void Acceptor::welcome(io::Fd socket, bool over_unix_socket) {
  if (core_.connections.load() >= core_.options.max_connections) {
    core_.figures.count_refusal(Refusal::connections);
    (void)::send(socket.get(), k_too_many.data(), k_too_many.size(), MSG_NOSIGNAL);
    return;
  }
  if (!over_unix_socket) {
    const int on = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  auto* const least =
      *std::ranges::min_element(loops_, {}, [](EventLoop* loop) { return loop->load().load(); });
  least->mailbox().post(NewSocket{
      .socket = std::move(socket), .over_unix_socket = over_unix_socket, .seat = Seat(core_, least->load())});
}

void Acceptor::close() {
  for (auto& listener : listeners_) {
    listener.close();
  }
}

}  // namespace agent::net
