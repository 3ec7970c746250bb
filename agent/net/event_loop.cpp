#include "agent/net/event_loop.hpp"

#include <fmt/chrono.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <exception>

#include "agent/core/log.hpp"
#include "agent/net/acceptor.hpp"

namespace agent::net {

namespace {

constexpr std::size_t k_scratch_bytes = std::size_t{256} * 1024;
constexpr std::size_t k_events_per_wait = 64;
constexpr std::uint64_t k_wake_id = 0;
constexpr std::uint64_t k_first_connection_id = Acceptor::k_last_id + 1;

// IMF-fixdate, RFC 9110 section 5.6.7.
std::string http_date(std::time_t second) {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(second));
}

Result<void> watch(int poll, int fd, std::uint32_t events, std::uint64_t id) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  if (::epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) != 0) {
    return fail_errno("watch", "socket", errno);
  }
  return {};
}

}  // namespace

EventLoop::EventLoop(ServerCore& core, io::Fd poll, std::shared_ptr<Mailbox> mailbox)
    : core_(core),
      poll_(std::move(poll)),
      mailbox_(std::move(mailbox)),
      scratch_(k_scratch_bytes),
      next_id_(k_first_connection_id) {}

Result<std::unique_ptr<EventLoop>> EventLoop::create(ServerCore& core) {
  io::Fd poll(::epoll_create1(EPOLL_CLOEXEC));
  if (!poll.valid()) {
    return fail_errno("create", "epoll", errno);
  }
  AGENT_TRY(auto mailbox, Mailbox::create());
  AGENT_CHECK(watch(poll.get(), mailbox->wake_fd(), EPOLLIN | EPOLLET, k_wake_id));
  return std::make_unique<EventLoop>(core, std::move(poll), std::move(mailbox));
}

LoopContext EventLoop::context() {
  return {.core = core_, .mailbox = mailbox_, .scratch = scratch_, .now = now_, .date = date_};
}

void EventLoop::update_time() {
  now_ = std::chrono::steady_clock::now();
  const auto second = std::time(nullptr);
  if (second != date_second_) {
    date_second_ = second;
    date_ = http_date(second);
  }
}

void EventLoop::run(Acceptor* acceptor) {
  mailbox_->adopt();
  acceptor_ = acceptor;
  update_time();
  if (acceptor_ != nullptr) {
    for (const auto& [id, fd] : acceptor_->listeners()) {
      if (const auto watched = watch(poll_.get(), fd, EPOLLIN | EPOLLET, id); !watched) {
        log::error("http: {}", watched.error().message);
      }
    }
  }
  while (!stopped_) {
    wait_for_events();
    for (const auto id : std::exchange(wanting_turn_, {})) {
      with_connection(id,
                      [&](Connection& connection, LoopContext& context) { connection.take_turn(context); });
    }
    take_mail();
    close_overdue();
  }
  connections_.clear();
}

int EventLoop::wait_ms() const {
  if (!wanting_turn_.empty() || mailbox_->has_mail()) {
    return 0;
  }
  const auto until = std::min(next_sweep_, acceptor_ != nullptr ? acceptor_->resume_at() : SteadyTime::max());
  if (until == SteadyTime::max()) {
    return -1;
  }
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
  constexpr std::int64_t k_longest_ms = 60'000;
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, k_longest_ms));
}

void EventLoop::wait_for_events() {
  std::array<epoll_event, k_events_per_wait> events;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  const int count = ::epoll_wait(poll_.get(), events.data(), static_cast<int>(events.size()), wait_ms());
  update_time();
  if (acceptor_ != nullptr) {
    acceptor_->resume(now_);
  }
  for (const auto& event : std::span(events).first(static_cast<std::size_t>(std::max(count, 0)))) {
    const auto id = event.data.u64;
    if (id >= k_first_connection_id) {
      with_connection(id, [&](Connection& connection, LoopContext& context) {
        connection.on_events(event.events, context);
      });
    } else if (id != k_wake_id && acceptor_ != nullptr) {
      acceptor_->accept_from(id, now_);
    }
  }
}

template <typename Action>
void EventLoop::with_connection(std::uint64_t id, Action action) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) {
    return;
  }
  auto& connection = *found->second;
  bool alive = false;
  try {
    auto of_loop = context();
    action(connection, of_loop);
    alive = !connection.closed();
  } catch (const std::exception& thrown) {  // the loop's last catch: it costs this client its connection
    log::error("http: connection failed: {}", thrown.what());
    core_.figures.count_refusal(Refusal::handler);
  }
  if (!alive) {
    end(found);
    return;
  }
  next_sweep_ = std::min(next_sweep_, connection.deadline());
  if (connection.wants_turn()) {
    wanting_turn_.push_back(id);
  }
}

void EventLoop::end(Connections::iterator ended) {
  const int fd = ended->second->socket();
  auto handed_over = ended->second->release();
  connections_.erase(ended);  // its seat first: whoever takes the socket counts it
  if (handed_over) {
    ::epoll_ctl(poll_.get(), EPOLL_CTL_DEL, fd, nullptr);  // closing a socket does this for all others
    handed_over();
  }
}

void EventLoop::take_mail() {
  while (mailbox_->has_mail() && !stopped_) {
    mailbox_->take(letters_);
    for (auto& letter : letters_) {
      take_letter(std::move(letter));
    }
    letters_.clear();
  }
}

void EventLoop::take_letter(Mail mail) {
  if (auto* const answer = std::get_if<Answer>(&mail)) {
    with_connection(answer->connection, [&](Connection& connection, LoopContext& context) {
      connection.on_answer(std::move(*answer), context);
    });
  } else if (auto* const accepted = std::get_if<NewSocket>(&mail)) {
    adopt(std::move(*accepted));
  } else if (std::holds_alternative<BeginDrain>(mail)) {
    drain();
  } else {
    stopped_ = true;
  }
}

void EventLoop::adopt(NewSocket accepted) {
  const auto id = next_id_++;
  const int fd = accepted.socket.get();
  constexpr std::uint32_t k_events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  if (const auto watched = watch(poll_.get(), fd, k_events, id); !watched) {
    log::error("http: {}", watched.error().message);
    core_.figures.count_refusal(Refusal::descriptors);
    return;
  }
  connections_.emplace(id, std::make_unique<Connection>(id, std::move(accepted), context()));
  with_connection(id, [&](Connection& connection, LoopContext& context) {
    if (core_.draining.load()) {
      connection.on_drain(context);
    }
  });
}

void EventLoop::drain() {
  if (acceptor_ != nullptr) {
    acceptor_->close();
  }
  for (const auto id : all_ids()) {
    with_connection(id, [&](Connection& connection, LoopContext& context) { connection.on_drain(context); });
  }
  core_.loops_draining.fetch_add(1);
  core_.drain_progress.change([](auto&) {});
}

std::vector<std::uint64_t> EventLoop::all_ids() const {
  std::vector<std::uint64_t> ids;
  ids.reserve(connections_.size());
  for (const auto& [id, connection] : connections_) {
    ids.push_back(id);
  }
  return ids;
}

void EventLoop::close_overdue() {
  if (now_ < next_sweep_) {
    return;
  }
  next_sweep_ = SteadyTime::max();
  for (const auto id : all_ids()) {
    with_connection(id, [&](Connection& connection, LoopContext& context) {
      if (connection.deadline() <= now_) {
        connection.on_deadline(context);
      }
    });
  }
}

}  // namespace agent::net
