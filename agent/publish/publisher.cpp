#include "agent/publish/publisher.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "agent/core/guarded.hpp"
#include "agent/core/log.hpp"
#include "agent/publish/flush_schedule.hpp"
#include "agent/publish/pack_cache.hpp"
#include "agent/publish/pending_objects.hpp"
#include "agent/publish/tag_writer.hpp"

namespace agent::publish {

namespace {

using std::chrono::steady_clock;

constexpr std::string_view k_stopped = "publishing stopped";

// A figure of this publisher that also stands in the registry, which publishers may share.
class Tally final {
public:
  explicit Tally(metrics::Counter& counter) : counter_(counter) {}
  void add(std::uint64_t by = 1) {
    value_ += by;
    counter_.add(by);
  }
  std::uint64_t value() const { return value_; }

private:
  std::atomic<std::uint64_t> value_{0};
  metrics::Counter& counter_;
};

struct Tallies {
  explicit Tallies(metrics::Registry& registry)
      : published(registry.counter("hearth_objects_published_total", "Objects that are in the tag now.")),
        flushes(registry.counter("hearth_publish_flushes_total", "Batches that were published.")),
        conflicts(registry.counter("hearth_publish_conflicts_total", "Times another writer was faster.")),
        retries(registry.counter("hearth_publish_retries_total", "Batches tried again after a failure.")),
        bytes(registry.counter("hearth_publish_bytes_total", "Bytes of packs that were uploaded.")),
        pending(registry.gauge("hearth_objects_pending", "Objects that wait for publishing.")) {}

  Tally published;
  Tally flushes;
  Tally conflicts;
  Tally retries;
  Tally bytes;
  metrics::Gauge& pending;
  std::atomic<std::uint64_t> rate_limited{0};
};

struct Queue {
  PendingObjects pending;
  std::size_t in_flight = 0;
  std::uint64_t first_in_flight = 0;  // number of the oldest object in flight
  std::uint64_t drain_until = 0;      // objects with lower numbers are due at once
  std::uint64_t changes = 0;          // wakes the thread
  unsigned failures = 0;              // in a row
  Steady not_before{};
  bool told_to_wait = false;  // not_before is the storage's wish, which a drain respects too
  std::optional<Error> stopped;
  std::string last_error;
  std::map<std::string, std::uint64_t, std::less<>> refused;

  // Everything with a lower number is published or refused.
  std::uint64_t oldest() const {
    const auto waiting = pending.empty() ? pending.next_number() : pending.first_number();
    return in_flight > 0 ? std::min(first_in_flight, waiting) : waiting;
  }
};

}  // namespace

struct PublisherState {
  PublisherState(PublisherOptions given, PublisherServices used)
      : options(std::move(given)),
        services(std::move(used)),
        registry(services.registry != nullptr ? *services.registry : own_registry),
        clock(services.clock != nullptr ? *services.clock : own_clock),
        tallies(registry) {
    if (services.storage != nullptr && publishes()) {
      writer = std::make_unique<TagWriter>(
          TagWriterOptions{
              .tag = options.tag, .producer = options.producer, .folder = options.spool / "outgoing"},
          TagWriterServices{.storage = *services.storage,
                            .clock = clock,
                            .packs = services.packs ? services.packs : std::make_shared<PackCache>(),
                            .conflict = [this] { tallies.conflicts.add(); },
                            .uploaded = [this](std::uint64_t bytes) { tallies.bytes.add(bytes); },
                            .pause = [this](std::chrono::milliseconds time) { return pause(time); }});
      thread = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }
  }

  bool publishes() const { return options.mode == Mode::read_write || options.mode == Mode::write_only; }
  void refuse(Queue& at, std::string_view reason);
  void count_pending(const Queue& at);
  bool pause(std::chrono::milliseconds time);
  void run(const std::stop_token& stop);
  void flush_once();
  void failed(const Error& error);

  PublisherOptions options;
  PublisherServices services;
  metrics::Registry own_registry;
  SystemClock own_clock;
  metrics::Registry& registry;
  const Clock& clock;
  Tallies tallies;
  Guarded<Queue> queue;
  std::unique_ptr<TagWriter> writer;                // used by the thread only; null: nothing is published
  std::minstd_rand random{std::random_device{}()};  // of the thread
  std::stop_token stopping;                         // of the thread
  std::jthread thread;                              // last: it ends before what it uses
};

namespace {

// The flush guard: holding it is the one flush that may run. Destroying it gives back what was not
// published, whatever was thrown, and lets waiters see the outcome.
class Flight final {
public:
  Flight(PublisherState& state) : state_(state) {  // NOLINT(google-explicit-constructor)
    state_.queue.with([&](Queue& queue) {
      objects_ =
          queue.pending.take({.objects = store::k_max_pack_entries, .bytes = state_.options.pack_bytes});
      queue.in_flight = objects_.size();
      queue.first_in_flight = objects_.empty() ? 0 : objects_.front().number;
    });
  }
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;
  ~Flight() {
    state_.queue.change([&](Queue& queue) {
      queue.pending.put_back(std::move(objects_));
      queue.in_flight = 0;
      ++queue.changes;
      state_.count_pending(queue);
    });
  }

  std::vector<store::PackItem> items() const {
    std::vector<store::PackItem> items;
    items.reserve(objects_.size());
    std::ranges::transform(objects_, std::back_inserter(items), &PendingObject::item);
    return items;
  }

  std::size_t size() const { return objects_.size(); }

  // All of it reached its end: the pins go.
  void release() { objects_.clear(); }

private:
  PublisherState& state_;
  std::vector<PendingObject> objects_;
};

struct Plan {
  std::optional<Steady> due;
  std::uint64_t changes = 0;
};

Plan plan_of(const PublisherOptions& options, const Queue& queue) {
  Plan plan{.due = std::nullopt, .changes = queue.changes};
  if (queue.stopped || queue.pending.empty()) {
    return plan;
  }
  plan.due = queue.pending.first_number() < queue.drain_until ? queue.pending.first_added()
                                                              : flush_due(options, queue.pending);
  plan.due = std::max(*plan.due, queue.not_before);
  return plan;
}

}  // namespace

void PublisherState::refuse(Queue& at, std::string_view reason) {
  ++at.refused[std::string(reason)];
  registry
      .counter("hearth_objects_refused_total", "Objects that will not be published.",
               {{"reason", std::string(reason)}})
      .add();
}

void PublisherState::count_pending(const Queue& at) {
  tallies.pending.set(static_cast<std::int64_t>(at.pending.size() + at.in_flight));
}

// Of the thread; false once it is to stop.
bool PublisherState::pause(std::chrono::milliseconds time) {
  queue.wait_until(stopping, steady_clock::now() + time, [](const Queue&) { return false; });
  return !stopping.stop_requested();
}

void PublisherState::run(const std::stop_token& stop) {
  constexpr std::chrono::hours k_longest_wait{1};
  stopping = stop;
  while (!stop.stop_requested()) {
    const auto plan = queue.with([&](const Queue& at) { return plan_of(options, at); });
    const auto now = clock.now();
    if (plan.due && *plan.due <= now) {
      try {
        flush_once();
      } catch (const std::exception& problem) {
        failed({.code = Errc::io, .message = problem.what()});
      }
      continue;
    }
    const auto wait = plan.due ? std::min<Steady::duration>(*plan.due - now, k_longest_wait) : k_longest_wait;
    queue.wait_until(stop, steady_clock::now() + wait,
                     [&](const Queue& at) { return at.changes != plan.changes; });
  }
}

void PublisherState::flush_once() {
  Flight flight(*this);
  if (queue.with([](const Queue& at) { return at.failures > 0; })) {
    tallies.retries.add();
  }
  const auto outcome = writer->publish(flight.items());
  if (!outcome) {
    failed(outcome.error());
    return;
  }
  tallies.flushes.add();
  tallies.published.add(flight.size() - outcome->unreadable.size());
  flight.release();
  queue.with([&](Queue& at) {
    for (std::size_t i = 0; i < outcome->unreadable.size(); ++i) {
      refuse(at, "unreadable");
    }
    at.failures = 0;
    at.not_before = {};
    at.told_to_wait = false;
    at.last_error.clear();
  });
  if (services.published) {
    services.published();
  }
}

void PublisherState::failed(const Error& error) {
  if (error.code == Errc::transient && error.retry_after) {
    ++tallies.rate_limited;
  }
  const auto draw = std::uniform_real_distribution<double>(0, 1)(random);
  queue.with([&](Queue& at) {
    ++at.failures;
    at.last_error = fmt::format("{}: {}", name_of(error.code), error.message);
    at.told_to_wait = error.retry_after.has_value();
    at.not_before = clock.now() + backoff(options, at.failures, error, draw);
    if (is_permanent(error.code)) {
      at.stopped = error;
    }
  });
  log::warn("publish: {} tag={} code={} error={}",
            is_permanent(error.code) ? "stopped, the objects are kept" : "failed, will be tried again",
            options.tag.tag, name_of(error.code), error.message);
}

Publisher::Publisher(PublisherOptions options, PublisherServices services)
    : state_(std::make_unique<PublisherState>(std::move(options), std::move(services))) {}

Publisher::~Publisher() = default;

void Publisher::add(std::string key, store::Stored object) {
  auto& state = *state_;
  const bool wakes = state.queue.with([&](Queue& queue) {
    if (!state.publishes()) {
      state.refuse(queue, state.options.mode == Mode::off ? "off" : "read-only");
      return false;
    }
    if (!state.writer) {
      state.refuse(queue, "no backend");
      return false;
    }
    if (!store::valid_key_size(key.size()) || object.slice.size > store::k_max_object_bytes) {
      state.refuse(queue, "too large");
      return false;
    }
    auto& pending = queue.pending;
    if (queue.stopped && pending.bytes() + object.slice.size > state.options.stopped_bytes) {
      state.refuse(queue, k_stopped);
      return false;
    }
    const bool was_empty = pending.empty();
    pending.add(std::move(key), std::move(object), state.clock.now());
    state.count_pending(queue);
    return was_empty || pending.size() >= state.options.flush_objects ||
           pending.bytes() >= state.options.flush_bytes;
  });
  if (wakes) {
    wake();
  }
}

Result<void> Publisher::flush(std::chrono::milliseconds deadline) {
  const auto until = steady_clock::now() + deadline;
  std::uint64_t target = 0;
  state_->queue.change([&](Queue& queue) {
    target = queue.pending.next_number();
    queue.drain_until = target;
    queue.stopped.reset();
    if (!queue.told_to_wait) {
      queue.not_before = {};
    }
    ++queue.changes;
  });
  state_->queue.wait_until(std::stop_token{}, until, [&](const Queue& queue) {
    return queue.oldest() >= target || (queue.stopped && queue.in_flight == 0);
  });
  return state_->queue.with([&](const Queue& queue) -> Result<void> {
    if (queue.oldest() >= target) {
      return {};
    }
    if (queue.stopped) {
      return std::unexpected(*queue.stopped);
    }
    return fail(Errc::cancelled, "publish {}: the deadline passed with {} objects pending{}{}",
                state_->options.tag.tag, queue.pending.size() + queue.in_flight,
                queue.last_error.empty() ? "" : "; last error ", queue.last_error);
  });
}

PublisherFigures Publisher::figures() const {
  const auto& tallies = state_->tallies;
  PublisherFigures figures;
  figures.published = tallies.published.value();
  figures.flushes = tallies.flushes.value();
  figures.conflicts = tallies.conflicts.value();
  figures.retries = tallies.retries.value();
  figures.rate_limited = tallies.rate_limited;
  figures.bytes_published = tallies.bytes.value();
  state_->queue.with([&](const Queue& queue) {
    figures.pending = queue.pending.size() + queue.in_flight;
    figures.refused.assign(queue.refused.begin(), queue.refused.end());
    figures.last_error = queue.last_error;
  });
  return figures;
}

void Publisher::wake() {
  state_->queue.change([](Queue& queue) { ++queue.changes; });
}

}  // namespace agent::publish
