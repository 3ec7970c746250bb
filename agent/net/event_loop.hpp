// One thread's share of the HTTP server: an epoll loop and the connections it owns. `run` is the thread;
// everything else reaches the loop through its mailbox.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/io/fd.hpp"
#include "agent/net/connection.hpp"
#include "agent/net/mailbox.hpp"
#include "agent/net/server_core.hpp"

namespace agent::net {

class Acceptor;

class EventLoop final {
public:
  static Result<std::unique_ptr<EventLoop>> create(ServerCore& core);
  EventLoop(ServerCore& core, io::Fd poll, std::shared_ptr<Mailbox> mailbox);

  // Serves until Stop arrives, then closes every connection. With an acceptor it accepts as well.
  void run(Acceptor* acceptor);

  Mailbox& mailbox() { return *mailbox_; }
  std::atomic<std::size_t>& load() { return load_; }

private:
  LoopContext context();
  int wait_ms() const;
  void wait_for_events();
  void take_mail();
  void take_letter(Mail mail);
  void adopt(NewSocket accepted);
  void drain();
  void close_overdue();
  void update_time();

  // Calls `action` on a connection, if it is still there, and looks what became of it.
  template <typename Action>
  void with_connection(std::uint64_t id, Action action);
  std::vector<std::uint64_t> all_ids() const;

  using Connections = std::unordered_map<std::uint64_t, std::unique_ptr<Connection>>;
  void end(Connections::iterator ended);

  ServerCore& core_;
  io::Fd poll_;
  std::shared_ptr<Mailbox> mailbox_;
  std::atomic<std::size_t> load_{0};
  Acceptor* acceptor_ = nullptr;
  std::vector<char> scratch_;
  Connections connections_;
  std::uint64_t next_id_;
  std::vector<std::uint64_t> wanting_turn_;
  std::vector<Mail> letters_;
  SteadyTime now_;
  SteadyTime next_sweep_ = SteadyTime::max();  // no deadline is earlier
  std::int64_t date_second_ = 0;
  std::string date_;
  bool stopped_ = false;
};

}  // namespace agent::net
