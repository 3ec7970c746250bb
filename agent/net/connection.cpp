#include "agent/net/connection.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace agent::net {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds k_linger = 2s;
constexpr int k_steps_per_turn = 32;
constexpr std::size_t k_kept_capacity = std::size_t{16} * 1024;

}  // namespace

Connection::Connection(std::uint64_t id, NewSocket accepted, const LoopContext& context)
    : id_(id),
      socket_(std::move(accepted.socket)),
      over_unix_socket_(accepted.over_unix_socket),
      parser_(HeadLimits{.bytes = context.core.options.max_head_bytes}),
      seat_(std::move(accepted.seat)) {
  expect_within(context.core.options.idle_timeout);
}

void Connection::on_events(std::uint32_t events, LoopContext& context) {
  if ((events & EPOLLERR) != 0 || ((events & EPOLLHUP) != 0 && phase_ == Phase::waiting)) {
    close();
    return;
  }
  if ((events & (EPOLLRDHUP | EPOLLHUP)) != 0) {
    peer_closed_ = true;
  }
  readable_ = readable_ || (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) != 0;
  writable_ = writable_ || (events & (EPOLLOUT | EPOLLHUP)) != 0;
  advance(context);
}

void Connection::on_answer(Answer answer, LoopContext& context) {
  const bool expected = phase_ == Phase::body || phase_ == Phase::waiting;
  if (!expected || answer.number != exchange_number_ || held_answer_) {
    return;  // of an exchange that was refused meanwhile
  }
  if (!answer.response) {
    context.core.figures.count_refusal(Refusal::handler);
    close();
  } else if (phase_ == Phase::body) {
    held_answer_ = std::move(answer.response);
  } else {
    begin_answer(*std::move(answer.response), context);
    advance(context);
  }
}

void Connection::on_deadline(LoopContext& context) {
  const bool idle = phase_ == Phase::head && !head_begun_;
  if (!idle && (phase_ == Phase::head || phase_ == Phase::body)) {
    refuse({.status = 408, .why = "the request took too long"}, Refusal::timeout, context);
    advance(context);
    return;
  }
  if (phase_ == Phase::sending) {
    context.core.figures.count_refusal(Refusal::timeout);
  }
  close();
}

void Connection::on_drain(LoopContext& context) {
  advance(context);  // a request that just arrived is still answered
  if (phase_ == Phase::head && !head_begun_) {
    close();
  }
}

void Connection::take_turn(LoopContext& context) {
  advance(context);
}

void Connection::advance(LoopContext& context) {
  wants_turn_ = false;
  input_ = carried_;
  input_is_carried_ = true;
  for (int steps = 0; step(context); ++steps) {
    if (steps == k_steps_per_turn) {
      wants_turn_ = true;
      break;
    }
  }
  stash_input();
}

bool Connection::step(LoopContext& context) {
  switch (phase_) {
    case Phase::head:
      return take_head(context);
    case Phase::body:
      return take_body(context);
    case Phase::sending:
      return send_answer(context);
    case Phase::lingering:
      input_ = {};
      return read_more(context);
    case Phase::waiting:
    case Phase::closed:
      break;
  }
  return false;
}

void Connection::stash_input() {
  if (input_.empty()) {
    carried_.clear();
    if (carried_.capacity() > k_kept_capacity) {
      carried_.shrink_to_fit();
    }
  } else if (input_is_carried_) {
    carried_.erase(0, carried_.size() - input_.size());
  } else {
    carried_.assign(input_);
  }
  input_ = carried_;
  input_is_carried_ = true;
}

// Receives behind what is there. True: there is more, or the connection ended.
bool Connection::read_more(LoopContext& context) {
  if (!readable_) {
    return false;
  }
  if (!input_.empty()) {
    stash_input();
  }
  // What a client sends ahead of its turn is held in memory: take little more than the current message.
  constexpr std::size_t k_ahead = std::size_t{80} * 1024;
  const auto wanted = phase_ == Phase::head ? k_ahead : body_left_.value_or(context.scratch.size()) + k_ahead;
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, context.scratch.size()));
  const auto received = ::recv(socket_.get(), context.scratch.data(), size, 0);
  if (received < 0) {
    if (errno == EINTR) {
      return true;
    }
    readable_ = false;
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
      close();
    }
    return false;
  }
  if (received == 0) {
    close();  // in the middle of a message, or between two: nobody is there to be answered
    return false;
  }
  const auto count = static_cast<std::size_t>(received);
  if (count < size && !peer_closed_) {
    readable_ = false;  // a short read has emptied the socket; the next arrival is a new edge
  }
  const std::string_view fresh(context.scratch.data(), count);
  if (input_.empty()) {
    input_ = fresh;
    input_is_carried_ = false;
  } else {
    carried_.append(fresh);
    input_ = carried_;
  }
  return true;
}

void Connection::begin_answer(Response response, LoopContext& context) {
  const auto& head = parser_.head();
  keep_alive_ = keep_alive_ && !context.core.draining.load(std::memory_order_relaxed);
  const ResponseFrame frame{.date = context.date,
                            .to_head = head.request.method == "HEAD",
                            .close = !keep_alive_,
                            .to_http_1_0 = head.http_1_0};
  int status = response.status;
  if (const auto started = outgoing_.start(std::move(response), frame); !started) {
    context.core.figures.count_refusal(Refusal::body_source);
    status = 500;
    [[maybe_unused]] const auto always =  // a text in memory cannot fail to start
        outgoing_.start(text_response(status, started.error().message + "\n"), frame);
  }
  if (std::exchange(is_exchange_, false)) {  // before the client can know
    context.core.figures.count_request(head.request.method, status);
  }
  held_answer_.reset();
  phase_ = Phase::sending;
  sent_before_ = 0;
  expect_within(context.core.options.idle_timeout);
}

// Answers although the request is not complete: nothing behind it can be understood.
void Connection::give_up(Response response, LoopContext& context) {
  ++exchange_number_;  // whoever still holds a Responder is too late
  sink_.reset();
  keep_alive_ = false;
  body_complete_ = false;
  begin_answer(std::move(response), context);
}

void Connection::refuse(Rejection rejection, Refusal reason, LoopContext& context) {
  context.core.figures.count_refusal(reason);
  give_up(text_response(rejection.status, std::string(rejection.why) + "\n"), context);
}

bool Connection::send_answer(LoopContext& context) {
  if (!writable_) {
    return false;
  }
  const auto progress = outgoing_.flush(socket_.get());
  if (progress == Outgoing::Progress::done) {
    end_exchange(context);
    return true;
  }
  if (progress == Outgoing::Progress::failed || progress == Outgoing::Progress::truncated) {
    if (progress == Outgoing::Progress::truncated) {
      context.core.figures.count_refusal(Refusal::body_source);
    }
    close();
    return false;
  }
  writable_ = progress != Outgoing::Progress::blocked;
  wants_turn_ = writable_;
  note_progress(outgoing_.sent() - std::exchange(sent_before_, outgoing_.sent()),
                context.core.options.idle_timeout);
  return false;
}

void Connection::end_exchange(LoopContext& context) {
  if (!keep_alive_ || context.core.draining.load(std::memory_order_relaxed)) {
    linger();
    return;
  }
  parser_.reset();
  head_begun_ = false;
  phase_ = Phase::head;
  expect_within(context.core.options.idle_timeout);
}

// Closing a socket with unread bytes resets the connection, and the reset destroys an answer that the client
// has not read yet. RFC 9112 section 9.6.
void Connection::linger() {
  if (body_complete_ && input_.empty()) {
    close();
    return;
  }
  ::shutdown(socket_.get(), SHUT_WR);
  phase_ = Phase::lingering;
  body_left_.reset();
  expect_within(k_linger);
}

void Connection::close() {
  phase_ = Phase::closed;
  sink_.reset();
  input_ = {};
}

std::move_only_function<void()> Connection::release() {
  if (!taker_) {
    return {};
  }
  return [take = std::move(taker_), socket = std::move(socket_)]() mutable { take(std::move(socket)); };
}

// Counted from now, not from when the loop woke up: a handler may have taken its time in between.
void Connection::expect_within(std::chrono::milliseconds limit) {
  deadline_ = std::chrono::steady_clock::now() + limit;
  progress_bytes_ = 0;
}

void Connection::note_progress(std::uint64_t bytes, std::chrono::milliseconds limit) {
  progress_bytes_ += bytes;
  if (progress_bytes_ >= k_progress_bytes) {
    expect_within(limit);
  }
}

}  // namespace agent::net
