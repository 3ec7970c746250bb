// What a running agent tells its live page: the figures, what they were over time, the last misses, what the
// publisher is at. Nothing of it is on the path of a lookup: it reads counters. Thread-safe but for `close`.
#pragma once

#include <string>

#include "agent/app/status.hpp"
#include "agent/cache/request_log.hpp"
#include "agent/core/clock.hpp"
#include "agent/core/guarded.hpp"
#include "agent/io/json.hpp"
#include "agent/net/event_stream.hpp"
#include "agent/report/activity.hpp"

namespace agent::app {

struct LiveSources {
  const Status& status;
  metrics::Registry& registry;
  const cache::RequestLog& requests;
  const publish::Publisher& publisher;
  const Clock& clock;
};

class Live final {
public:
  explicit Live(LiveSources sources);

  // Adds a point to the timeline where one is due; called a few times a second.
  void sample();

  // The run so far, ending now.
  report::Activity activity() const;

  // Server-sent events for whoever asked: `run`, the run so far, then `now`, the same without its timeline.
  net::Decision listen(const net::Request& request) { return events_.admit(request); }

  // Tells all listeners what became of it, and listens to nobody any more. Not thread-safe.
  void close() { events_.close(); }

private:
  std::string whole_event() const;
  std::string event() const;
  io::JsonObject moment(const report::Figures& figures) const;
  report::Activity present() const;
  std::int64_t now_ms() const;

  LiveSources sources_;
  std::int64_t started_ms_;
  Guarded<report::Timeline> timeline_;
  net::EventStream events_;  // last: its thread uses everything above
};

}  // namespace agent::app
