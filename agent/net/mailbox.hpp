// How other threads reach an event loop: messages and an eventfd that wakes it. Thread-safe. It outlives its
// loop as long as somebody holds a Responder; what is posted then is dropped.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <variant>
#include <vector>

#include "agent/core/guarded.hpp"
#include "agent/io/fd.hpp"
#include "agent/net/http.hpp"
#include "agent/net/server_core.hpp"

namespace agent::net {

// The answer to exchange `number` of a connection; without a response it was dropped.
struct Answer {
  std::uint64_t connection = 0;
  std::uint64_t number = 0;
  std::optional<Response> response;
};

struct NewSocket {
  io::Fd socket;
  bool over_unix_socket = false;
  Seat seat;
};

struct BeginDrain {};
struct Stop {};

using Mail = std::variant<Answer, NewSocket, BeginDrain, Stop>;

class Mailbox final {
public:
  static Result<std::shared_ptr<Mailbox>> create();
  explicit Mailbox(io::Fd wake) : wake_(std::move(wake)) {}

  void post(Mail mail);

  // For the loop: it becomes readable (edge) when mail comes from another thread. It is never read.
  int wake_fd() const { return wake_.get(); }

  // Called once by the loop's thread: its own mail needs no wake-up, it looks after every event.
  void adopt() { reader_.store(std::this_thread::get_id()); }

  bool has_mail() const { return has_mail_.load(std::memory_order_acquire); }

  // Swaps all mail into `into`, which must be empty.
  void take(std::vector<Mail>& into);

  // Drops all mail, present and future.
  void close();

private:
  io::Fd wake_;
  std::atomic<std::thread::id> reader_;
  std::atomic<bool> has_mail_{false};
  struct Box {
    std::vector<Mail> mail;
    bool closed = false;
  };
  Guarded<Box> box_;
};

}  // namespace agent::net
