// One client connection of the HTTP server: a state machine over a non-blocking socket that reads a head,
// asks the handler, reads the body into its sink, sends the answer, and starts again. It belongs to one event
// loop and is only touched by that loop's thread. The socket is watched edge-triggered, so the connection
// remembers what it may still read or write.
//
// One exchange at a time: what a pipelining client sends ahead waits in `carried_` (bounded) and then in the
// kernel, whose flow control holds the client back.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "agent/io/fd.hpp"
#include "agent/net/chunk_decoder.hpp"
#include "agent/net/http.hpp"
#include "agent/net/http_parser.hpp"
#include "agent/net/mailbox.hpp"
#include "agent/net/outgoing.hpp"
#include "agent/net/server_core.hpp"

namespace agent::net {

using SteadyTime = std::chrono::steady_clock::time_point;

// What a connection needs of its loop during a call.
struct LoopContext {
  ServerCore& core;
  const std::shared_ptr<Mailbox>& mailbox;
  std::span<char> scratch;  // for reading; shared by all connections of the loop
  SteadyTime now;
  std::string_view date;
};

class Connection final {
public:
  Connection(std::uint64_t id, NewSocket accepted, const LoopContext& context);

  // `events` as epoll_wait(2) reports them.
  void on_events(std::uint32_t events, LoopContext& context);
  void on_answer(Answer answer, LoopContext& context);
  void on_deadline(LoopContext& context);
  void on_drain(LoopContext& context);  // closes when idle; otherwise after the answer in progress
  void take_turn(LoopContext& context);

  bool closed() const { return phase_ == Phase::closed; }
  bool wants_turn() const { return wants_turn_; }  // it stopped only to let others run
  SteadyTime deadline() const { return deadline_; }
  int socket() const { return socket_.get(); }

  // For a closed connection: what to call with its socket, where a handler took it over.
  std::move_only_function<void()> release();

private:
  enum class Phase : std::uint8_t {
    head,
    body,
    waiting,  // for the handler's or the sink's answer
    sending,
    lingering,  // the answer was the last one; drops what still comes, so that the client gets to read it
    closed,
  };
  // Shared by all Responders of one exchange; reused while nobody keeps one.
  struct Exchange;
  struct Ticket;

  void advance(LoopContext& context);
  bool step(LoopContext& context);  // false: nothing more to do until an event
  bool read_more(LoopContext& context);
  void stash_input();

  bool take_head(LoopContext& context);
  void decide(LoopContext& context);
  void begin_body(LoopContext& context);
  bool take_body(LoopContext& context);
  void take_chunks(LoopContext& context);
  void take_content(std::span<const std::byte> content, LoopContext& context);
  void end_body(LoopContext& context);
  void take_over(Takeover takeover, LoopContext& context);

  Decision ask_handler(LoopContext& context);
  Responder new_responder(LoopContext& context);
  void begin_answer(Response response, LoopContext& context);
  void give_up(Response response, LoopContext& context);
  void refuse(Rejection rejection, Refusal reason, LoopContext& context);
  bool send_answer(LoopContext& context);
  void end_exchange(LoopContext& context);
  void linger();
  void close();

  void expect_within(std::chrono::milliseconds limit);
  void note_progress(std::uint64_t bytes, std::chrono::milliseconds limit);

  const std::uint64_t id_;
  io::Fd socket_;
  const bool over_unix_socket_;
  Phase phase_ = Phase::head;
  bool readable_ = true;  // until a read says otherwise
  bool writable_ = true;
  bool peer_closed_ = false;
  bool wants_turn_ = false;
  bool keep_alive_ = true;
  SteadyTime deadline_;
  std::uint64_t progress_bytes_ = 0;  // since the deadline was last moved
  std::uint64_t sent_before_ = 0;     // of the answer, at the last look

  HeadParser parser_;
  std::string_view input_;  // received and not yet taken: in the loop's scratch, or in carried_
  std::string carried_;     // the same, between calls
  bool input_is_carried_ = true;
  bool head_begun_ = false;

  Seat seat_;
  std::shared_ptr<Exchange> exchange_;
  std::uint64_t exchange_number_ = 0;
  std::unique_ptr<BodySink> sink_;
  std::move_only_function<void(io::Fd)> taker_;  // set: the socket goes there when this closes
  std::optional<Response> held_answer_;          // given before the body was complete
  bool is_exchange_ = false;                     // a handler was asked: the answer counts as one
  bool body_complete_ = false;
  std::optional<std::uint64_t> body_left_;  // empty: chunked
  std::uint64_t body_taken_ = 0;
  ChunkDecoder chunks_;
  Outgoing outgoing_;
};

}  // namespace agent::net
