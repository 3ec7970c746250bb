// Accepts for all loops and hands each connection to the loop that has the fewest: with the handful of
// connections a build tool opens, the kernel's hashing over SO_REUSEPORT sockets leaves one loop idle
// (docs/decisions/0001-http-server.md). Runs on the first loop's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include "agent/net/event_loop.hpp"
#include "agent/net/listener.hpp"
#include "agent/net/server_core.hpp"

namespace agent::net {

class Acceptor final {
public:
  static constexpr std::uint64_t k_last_id = 15;  // of a listener, as an epoll event carries it

  Acceptor(ServerCore& core, std::vector<Listener> listeners, std::vector<EventLoop*> loops)
      : core_(core), listeners_(std::move(listeners)), loops_(std::move(loops)) {}

  // Identifier and descriptor of each listener.
  std::vector<std::pair<std::uint64_t, int>> listeners() const;

  void accept_from(std::uint64_t id, SteadyTime now);

  // Without descriptors accepting would spin: it rests until then.
  SteadyTime resume_at() const { return resume_at_; }
  void resume(SteadyTime now);

  void close();

private:
  void welcome(io::Fd socket, bool over_unix_socket);

  ServerCore& core_;
  std::vector<Listener> listeners_;
  std::vector<EventLoop*> loops_;
  SteadyTime resume_at_ = SteadyTime::max();
};

}  // namespace agent::net
