#include "agent/net/event_stream.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace agent::net {

namespace {

using std::chrono::steady_clock;

// The answer ends with the connection (RFC 9112 section 6.3, case 8): it has no length to state.
constexpr std::string_view k_head =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\nX-Accel-Buffering: no\r\nConnection: close\r\n\r\n";

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

// Drops what a listener says; false once it has gone.
bool is_there(int socket) {
  std::array<char, 512> ignored{};
  const auto received = ::recv(socket, ignored.data(), ignored.size(), MSG_DONTWAIT);
  return received > 0 || (received < 0 && would_block(errno));
}

}  // namespace

std::string event_text(std::string_view name, std::string_view data) {
  return fmt::format("event: {}\ndata: {}\n\n", name, data);
}

EventStream::EventStream(EventStreamOptions options, EventSources sources, metrics::Registry& registry)
    : options_(options),
      sources_(std::move(sources)),
      count_(registry.gauge("hearth_event_listeners", "Live pages that are being told what happens.")),
      dropped_(registry.counter("hearth_event_listeners_dropped_total",
                                "Live pages that were cut off because they did not read.")),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

EventStream::~EventStream() {
  close();
}

EventStream::Place EventStream::take_place() const {
  if (places_taken_->fetch_add(1) >= options_.most_listeners) {
    places_taken_->fetch_sub(1);
    return nullptr;
  }
  return {nullptr, [taken = places_taken_](void*) { taken->fetch_sub(1); }};
}

Decision EventStream::admit(const Request& request) {
  if (request.method != "GET") {
    return text_response(405, "events are for GET\n");
  }
  auto place = take_place();
  if (place.use_count() == 0) {
    auto busy = text_response(503, "there are listeners enough; close another page\n");
    busy.headers.set("Retry-After", "5");
    return busy;
  }
  return Takeover{[door = door_, place = std::move(place)](io::Fd socket) mutable {
    door->change([&](Door& at) {
      if (!at.closed) {
        at.waiting.push_back({.socket = std::move(socket), .place = std::move(place), .unsent = {}});
      }
    });
  }};
}

void EventStream::close() {
  door_->with([](Door& door) {
    door.closed = true;
    door.waiting.clear();
  });
  thread_.request_stop();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void EventStream::run(const std::stop_token& stop) {
  auto next_tick = steady_clock::now();
  while (!stop.stop_requested()) {
    // Without listeners there is no next tick to wait for.
    const auto until = listeners_.empty() ? steady_clock::now() + std::chrono::hours(24) : next_tick;
    door_->wait_until(stop, until, [](const Door& door) { return !door.waiting.empty(); });
    greet(door_->with([](Door& door) { return std::exchange(door.waiting, {}); }));
    if (steady_clock::now() >= next_tick) {
      tick();
      next_tick = steady_clock::now() + options_.interval;
    }
  }
  tick();  // the last word, whenever the end was asked for
  listeners_.clear();
  count_.set(0);
}

void EventStream::greet(std::deque<Listener> fresh) {
  for (auto& listener : fresh) {
    if (send(listener, std::string(k_head) + sources_.greeting())) {
      listeners_.push_back(std::move(listener));
    }
  }
  count_.set(static_cast<std::int64_t>(listeners_.size()));
}

void EventStream::tick() {
  tell({});  // first find out who has gone: for nobody, nothing is made
  if (!listeners_.empty()) {
    tell(sources_.next());
  }
}

// Closes the connection of everybody who is gone or does not read.
void EventStream::tell(std::string_view text) {
  std::erase_if(listeners_, [&](Listener& listener) {
    return !is_there(listener.socket.get()) || !send(listener, text);
  });
  count_.set(static_cast<std::int64_t>(listeners_.size()));
}

bool EventStream::send(Listener& listener, std::string_view text) const {
  listener.unsent += text;
  while (!listener.unsent.empty()) {
    const auto sent = ::send(listener.socket.get(), listener.unsent.data(), listener.unsent.size(),
                             MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (!would_block(errno)) {
        return false;
      }
      break;
    }
    listener.unsent.erase(0, static_cast<std::size_t>(sent));
  }
  if (listener.unsent.size() > options_.most_unsent_bytes) {
    dropped_.add();
    return false;
  }
  return true;
}

}  // namespace agent::net
