// Server-sent events to whoever listens: one thread with one timer, and one text per tick for all listeners.
// Without listeners nothing is made and nothing wakes up. Listeners are few; one that does not read is
// dropped, so that memory is bounded. Nothing here runs on an event loop beyond handing over a socket.
// Source: WHATWG HTML, "Server-sent events", read 2026-11.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "agent/core/guarded.hpp"
#include "agent/metrics/registry.hpp"
#include "agent/net/http.hpp"

namespace agent::net {

struct EventStreamOptions {
  std::size_t most_listeners = 16;
  std::chrono::milliseconds interval{500};
  std::size_t most_unsent_bytes = std::size_t{256} * 1024;  // of one listener, beyond what the kernel holds
};

// Called on the stream's thread, one at a time. Each answers whole events (event_text).
struct EventSources {
  std::function<std::string()> greeting;  // for one new listener
  std::function<std::string()> next;      // for all of them, at each tick
};

// `data` must have no line breaks.
std::string event_text(std::string_view name, std::string_view data);

class EventStream final {
public:
  EventStream(EventStreamOptions options, EventSources sources, metrics::Registry& registry);
  ~EventStream();
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;

  // Takes the request's connection; 405 for anything but GET, 503 where there are listeners enough. Safe from
  // any thread. What it answers may outlive the stream: the listener then finds its connection closed.
  Decision admit(const Request& request);

  // Sends a last tick, closes every connection and admits nobody any more. Not thread-safe.
  void close();

private:
  using Place = std::shared_ptr<void>;  // one of most_listeners, given back by its end
  struct Listener {
    io::Fd socket;
    Place place;
    std::string unsent;
  };
  struct Door {  // what the event loops see
    std::deque<Listener> waiting;
    bool closed = false;
  };

  Place take_place() const;  // empty: there are listeners enough
  void run(const std::stop_token& stop);
  void greet(std::deque<Listener> fresh);
  void tick();
  bool send(Listener& listener, std::string_view text) const;
  void tell(std::string_view text);

  EventStreamOptions options_;
  EventSources sources_;
  metrics::Gauge& count_;
  metrics::Counter& dropped_;
  std::shared_ptr<std::atomic<std::size_t>> places_taken_ = std::make_shared<std::atomic<std::size_t>>(0);
  std::shared_ptr<Guarded<Door>> door_ = std::make_shared<Guarded<Door>>();
  std::vector<Listener> listeners_;  // of the thread
  std::jthread thread_;              // last: it uses everything above
};

}  // namespace agent::net
