// The receiving half of a connection: heads, the handler's decision, bodies.
#include <sys/socket.h>

#include <algorithm>
#include <exception>

#include "agent/core/log.hpp"
#include "agent/net/connection.hpp"

namespace agent::net {

struct Connection::Exchange {
  std::shared_ptr<Mailbox> mailbox;
  std::uint64_t connection = 0;
  std::uint64_t number = 0;
  std::atomic<bool> withdrawn = false;  // answered by the handler's own return value
};

// What a Responder calls, or drops.
struct Connection::Ticket {
  explicit Ticket(std::shared_ptr<Exchange> of) : exchange(std::move(of)) {}
  Ticket(Ticket&&) noexcept = default;
  Ticket& operator=(Ticket&&) = delete;
  ~Ticket() {
    if (exchange != nullptr) {
      post(std::nullopt);
    }
  }
  void operator()(Response response) { post(std::move(response)); }

  void post(std::optional<Response> response) {
    const auto used = std::exchange(exchange, nullptr);
    if (!used->withdrawn.load(std::memory_order_relaxed)) {
      used->mailbox->post(
          Answer{.connection = used->connection, .number = used->number, .response = std::move(response)});
    }
  }

  std::shared_ptr<Exchange> exchange;
};

namespace {

Response response_to_sink_error(const Error& error) {
  const int status = error.code == Errc::full ? 507 : error.code == Errc::invalid ? 400 : 500;
  return text_response(status, error.message + "\n");
}

Refusal refusal_of(const Rejection& rejection) {
  return rejection.status == 431 ? Refusal::head_too_large : Refusal::malformed;
}

constexpr Rejection k_body_too_large{.status = 413, .why = "the body is too large"};

}  // namespace

bool Connection::take_head(LoopContext& context) {
  if (input_.empty()) {
    return read_more(context);
  }
  switch (parser_.parse(input_)) {
    case HeadParser::State::incomplete:
      if (!std::exchange(head_begun_, true)) {
        expect_within(context.core.options.head_timeout);
      }
      return read_more(context);
    case HeadParser::State::rejected:
      refuse(parser_.rejection(), refusal_of(parser_.rejection()), context);
      return true;
    case HeadParser::State::complete:
      break;
  }
  head_begun_ = true;
  input_.remove_prefix(parser_.size());
  decide(context);
  return true;
}

Responder Connection::new_responder(LoopContext& context) {
  // An exchange that only this thread ever saw can serve again; others may still be read elsewhere.
  if (exchange_ == nullptr || !exchange_->withdrawn || exchange_.use_count() != 1) {
    exchange_ = std::make_shared<Exchange>();
    exchange_->mailbox = context.mailbox;
    exchange_->connection = id_;
  }
  exchange_->number = exchange_number_;
  exchange_->withdrawn = false;
  return Responder(Ticket(exchange_));
}

Decision Connection::ask_handler(LoopContext& context) {
  auto responder = new_responder(context);
  try {
    auto decision = context.core.handler(parser_.head().request, responder);
    exchange_->withdrawn = !std::holds_alternative<Accepted>(decision);
    return decision;
  } catch (const std::exception& thrown) {
    log::error("http: handler failed path={}: {}", parser_.head().request.path, thrown.what());
  } catch (...) {
    log::error("http: handler failed path={}", parser_.head().request.path);
  }
  exchange_->withdrawn = true;
  context.core.figures.count_refusal(Refusal::handler);
  keep_alive_ = false;
  return text_response(500, "internal error\n");
}

void Connection::decide(LoopContext& context) {
  auto& head = parser_.head();
  context.core.last_activity.store(context.now.time_since_epoch().count(), std::memory_order_relaxed);
  ++exchange_number_;
  is_exchange_ = true;
  keep_alive_ = head.keep_alive;
  body_complete_ = false;
  body_taken_ = 0;
  chunks_ = {};
  body_left_ = head.request.content_length;
  head.request.over_unix_socket = over_unix_socket_;
  if (body_left_.value_or(0) > context.core.options.max_body_bytes) {
    refuse(k_body_too_large, Refusal::body_too_large, context);
    return;
  }
  auto decision = ask_handler(context);
  if (auto* const response = std::get_if<Response>(&decision)) {
    if (head.expects_continue && body_left_ != 0U) {
      give_up(std::move(*response), context);  // the client may now send its body, or not
      return;
    }
    held_answer_ = std::move(*response);
  } else if (auto* const sink = std::get_if<std::unique_ptr<BodySink>>(&decision)) {
    sink_ = std::move(*sink);
  } else if (auto* const takeover = std::get_if<Takeover>(&decision)) {
    take_over(std::move(*takeover), context);
    return;
  }
  begin_body(context);
}

void Connection::take_over(Takeover takeover, LoopContext& context) {
  if (body_left_ != 0U) {
    refuse({.status = 400, .why = "a body is not expected here"}, Refusal::malformed, context);
    return;
  }
  is_exchange_ = false;
  context.core.figures.count_request(parser_.head().request.method, 200);
  taker_ = std::move(takeover.take);
  close();
}

void Connection::begin_body(LoopContext& context) {
  if (body_left_ == 0U) {
    end_body(context);
    return;
  }
  phase_ = Phase::body;
  expect_within(context.core.options.head_timeout);
  if (parser_.head().expects_continue && input_.empty()) {
    constexpr std::string_view k_continue = "HTTP/1.1 100 Continue\r\n\r\n";
    const auto sent = ::send(socket_.get(), k_continue.data(), k_continue.size(), MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(k_continue.size())) {
      close();  // a client that asks for this while not reading its earlier answers
    }
  }
}

bool Connection::take_body(LoopContext& context) {
  if (input_.empty()) {
    return read_more(context);
  }
  if (!body_left_) {
    take_chunks(context);
    return true;
  }
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(input_.size(), *body_left_));
  const auto content = std::as_bytes(std::span(input_.substr(0, count)));
  input_.remove_prefix(count);
  *body_left_ -= count;
  take_content(content, context);
  if (body_left_ == 0U && phase_ == Phase::body) {
    end_body(context);
  }
  return true;
}

void Connection::take_chunks(LoopContext& context) {
  while (phase_ == Phase::body && !input_.empty() && !chunks_.done()) {
    const auto step = chunks_.next(std::as_bytes(std::span(input_)));
    if (!step) {
      refuse({.status = 400, .why = step.error().message}, Refusal::malformed, context);
      return;
    }
    input_.remove_prefix(step->consumed);
    if (!step->content.empty()) {
      take_content(step->content, context);
    }
  }
  if (phase_ == Phase::body && chunks_.done()) {
    end_body(context);
  }
}

void Connection::take_content(std::span<const std::byte> content, LoopContext& context) {
  body_taken_ += content.size();
  if (body_taken_ > context.core.options.max_body_bytes) {
    refuse(k_body_too_large, Refusal::body_too_large, context);
    return;
  }
  if (sink_ != nullptr) {
    if (const auto written = sink_->write(content); !written) {
      give_up(response_to_sink_error(written.error()), context);
      return;
    }
  }
  note_progress(content.size(), context.core.options.head_timeout);
}

void Connection::end_body(LoopContext& context) {
  body_complete_ = true;
  if (held_answer_) {
    begin_answer(*std::move(held_answer_), context);
    return;
  }
  phase_ = Phase::waiting;
  deadline_ = SteadyTime::max();  // the handler's own deadlines hold
  if (const auto sink = std::move(sink_)) {
    sink->finish(new_responder(context));
  }
}

}  // namespace agent::net
