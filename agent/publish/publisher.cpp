#include "agent/publish/publisher.hpp"

#include <algorithm>
#include <random>
#include <thread>

#include "agent/core/guarded.hpp"
#include "agent/core/log.hpp"
#include "agent/publish/background_compaction.hpp"
#include "agent/publish/flush_queue.hpp"
#include "agent/publish/flush_schedule.hpp"
#include "agent/publish/pack_cache.hpp"
#include "agent/publish/publisher_tallies.hpp"
#include "agent/publish/relief.hpp"
#include "agent/publish/tag_writer.hpp"
#include "agent/publish/upload_budget.hpp"
#include "agent/publish/use_record.hpp"

namespace agent::publish {

namespace {

using std::chrono::steady_clock;

constexpr std::string_view k_stopped = "publishing stopped";

}  // namespace

struct PublisherState {
  PublisherState(PublisherOptions given, PublisherServices used)
      : pace(used.storage != nullptr ? used.storage->pace() : backends::Pace()),
        options(paced(std::move(given), pace)),
        services(std::move(used)),
        registry(services.registry != nullptr ? *services.registry : own_registry),
        clock(services.clock != nullptr ? *services.clock : own_clock),
        tallies(registry),
        budget(pace.uploads_per_minute, clock) {
    if (services.storage != nullptr && publishes(options.mode)) {
      storage = std::make_unique<BudgetedStorage>(*services.storage, budget);
      const auto packs = services.packs ? services.packs : std::make_shared<PackCache>();
      writer = std::make_unique<TagWriter>(
          TagWriterOptions{
              .tag = options.tag, .producer = options.producer, .folder = options.spool / "outgoing"},
          TagWriterServices{.storage = *storage,
                            .clock = clock,
                            .packs = packs,
                            .conflict = [this] { tallies.conflicts.add(); },
                            .uploaded = [this](std::uint64_t bytes) { tallies.bytes.add(bytes); },
                            .pause = [this](std::chrono::milliseconds time) { return pause(time); },
                            .run = [this] { return noted_run(); }});
      compaction = std::make_unique<BackgroundCompaction>(
          CompactorOptions{.tag = options.tag,
                           .producer = options.producer,
                           .folder = options.spool / "compacting",
                           .limits = compaction_limits()},
          CompactorServices{.storage = *storage, .clock = clock, .packs = packs, .go_on = {}},
          compaction_host());
      thread = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }
  }

  BudgetTimes budget_times() const {
    return {.flush = budget.ready_at(UploadBudget::Use::flush),
            .drain = budget.ready_at(UploadBudget::Use::drain)};
  }
  std::optional<PastRun> noted_run() const {
    return run_of_job.with([](const auto& run) { return run; });
  }
  CompactionLimits compaction_limits() const;
  CompactionHost compaction_host();
  void refuse(FlushQueue& at, std::string_view reason);
  void count_pending(const FlushQueue& at);
  bool pause(std::chrono::milliseconds time);
  void run(const std::stop_token& stop);
  void flush_once();
  void failed(const Error& error);

  backends::Pace pace;
  PublisherOptions options;
  PublisherServices services;
  metrics::Registry own_registry;
  SystemClock own_clock;
  metrics::Registry& registry;
  const Clock& clock;
  PublisherTallies tallies;
  UploadBudget budget;
  Guarded<FlushQueue> queue;
  Guarded<std::optional<PastRun>> run_of_job;
  std::unique_ptr<BudgetedStorage> storage;
  std::unique_ptr<BackgroundCompaction> compaction;
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
    state_.queue.with([&](FlushQueue& queue) {
      objects_ =
          queue.pending.take({.objects = store::k_max_pack_entries, .bytes = state_.options.pack_bytes});
      queue.in_flight = objects_.size();
      queue.first_in_flight = objects_.empty() ? 0 : objects_.front().number;
    });
  }
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;
  ~Flight() {
    state_.queue.change([&](FlushQueue& queue) {
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

// Somebody waits for a flush as long as this lives.
class Drain final {
public:
  explicit Drain(Guarded<FlushQueue>& queue) : queue_(queue) {
    queue_.change([&](FlushQueue& at) {
      target_ = at.pending.next_number();
      at.drain_until = target_;
      at.stopped.reset();
      if (!at.told_to_wait) {
        at.not_before = {};
      }
      ++at.drains;
      ++at.changes;
    });
  }
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;
  ~Drain() {
    queue_.with([](FlushQueue& at) { --at.drains; });
  }

  std::uint64_t target() const { return target_; }

private:
  Guarded<FlushQueue>& queue_;
  std::uint64_t target_ = 0;
};

}  // namespace

CompactionLimits PublisherState::compaction_limits() const {
  CompactionLimits limits{.packs = pace.packs, .pack_bytes = options.pack_bytes, .tag_bytes = pace.tag_bytes};
  if (options.tag_bytes > 0) {
    limits.tag_bytes = options.tag_bytes;
  }
  limits.tiny_bytes = std::max(limits.tiny_bytes, pace.flush_bytes / 4);
  return limits;
}

CompactionHost PublisherState::compaction_host() {
  const auto nobody_waits = [this] {
    return queue.with([](const FlushQueue& at) { return at.drains == 0 && !at.stopped; });
  };
  CompactionHost host{
      .may_begin = [this,
                    nobody_waits] { return nobody_waits() && budget.ready(UploadBudget::Use::compaction); },
      .may_go_on = nobody_waits,
      .new_bytes =
          [this] {
            return tallies.bytes.value() +
                   queue.with([](const FlushQueue& at) { return at.pending.bytes(); });
          },
      .done =
          [this](const Compacted& compacted) {
            tallies.compacted_packs.add(compacted.packs);
            tallies.compacted_bytes.add(compacted.uploaded_bytes);
          }};
  host.relieve = [this, nobody_waits] { relieve_storage(*storage, clock, registry, nobody_waits); };
  // Where a tag should have few packs, room is made before the drain that adds one, and against what will be
  // published then.
  host.delay = options.compaction_delay * (pace.packs > 0 ? 5 : 1);
  return host;
}

void PublisherState::refuse(FlushQueue& at, std::string_view reason) {
  ++at.refused[std::string(reason)];
  registry
      .counter("hearth_objects_refused_total", "Objects that will not be published.",
               {{"reason", std::string(reason)}})
      .add();
}

void PublisherState::count_pending(const FlushQueue& at) {
  tallies.pending.set(static_cast<std::int64_t>(at.pending.size() + at.in_flight));
}

// Before a try after a conflict; false once the thread is to stop. The try is an upload more: unless somebody
// waits for it, the budget must have it.
bool PublisherState::pause(std::chrono::milliseconds time) {
  queue.wait_until(stopping, steady_clock::now() + time, [](const FlushQueue&) { return false; });
  const auto wait = budget.ready_at(UploadBudget::Use::drain) - clock.now();
  if (wait.count() > 0) {
    queue.wait_until(stopping, steady_clock::now() + wait,
                     [](const FlushQueue& at) { return at.drains > 0; });
  }
  return !stopping.stop_requested();
}

void PublisherState::run(const std::stop_token& stop) {
  constexpr std::chrono::hours k_longest_wait{1};
  stopping = stop;
  while (!stop.stop_requested()) {
    const auto times = budget_times();
    const auto plan = queue.with([&](const FlushQueue& at) { return plan_flush(options, at, times); });
    const auto now = clock.now();
    if (plan.due && *plan.due <= now) {
      try {
        flush_once();
      } catch (const std::exception& problem) {
        failed({.code = Errc::io, .message = problem.what()});
      } catch (...) {
        failed({.code = Errc::io, .message = "something unknown was thrown"});
      }
      continue;
    }
    const auto wait = plan.due ? std::min<Steady::duration>(*plan.due - now, k_longest_wait) : k_longest_wait;
    queue.wait_until(stop, steady_clock::now() + wait,
                     [&](const FlushQueue& at) { return at.changes != plan.changes; });
  }
}

void PublisherState::flush_once() {
  Flight flight(*this);
  if (queue.with([](const FlushQueue& at) { return at.failures > 0; })) {
    tallies.retries.add();
  }
  const auto outcome = writer->publish(flight.items());
  if (!outcome) {
    failed(outcome.error());
    return;
  }
  tallies.flushes.add();
  tallies.generation = outcome->generation;
  tallies.published.add(flight.size() - outcome->unreadable.size());
  flight.release();
  queue.with([&](FlushQueue& at) {
    for (std::size_t i = 0; i < outcome->unreadable.size(); ++i) {
      refuse(at, "unreadable");
    }
    at.succeeded();
  });
  if (services.published) {
    services.published();
  }
  if (queue.with([](const FlushQueue& at) { return at.drains == 0; })) {  // else the job is about to end
    compaction->wake();
  }
}

void PublisherState::failed(const Error& error) {
  if (error.code == Errc::transient && error.retry_after) {
    ++tallies.rate_limited;
  }
  const auto draw = std::uniform_real_distribution<double>(0, 1)(random);
  const bool stopped = queue.with([&](FlushQueue& at) {
    at.failed(error, clock.now() + backoff(options, at.failures + 1, error, draw));
    return at.stopped.has_value();
  });
  log::warn("publish: {} tag={} code={} error={}",
            stopped ? "stopped, the objects are kept" : "failed, will be tried again", options.tag.tag,
            name_of(error.code), error.message);
}

Publisher::Publisher(PublisherOptions options, PublisherServices services)
    : state_(std::make_unique<PublisherState>(std::move(options), std::move(services))) {}

Publisher::~Publisher() = default;

void Publisher::add(std::string key, store::Stored object) {
  auto& state = *state_;
  bool begins = false;
  const bool wakes = state.queue.with([&](FlushQueue& queue) {
    if (!publishes(state.options.mode)) {
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
    begins = was_empty;
    return was_empty || pending.size() >= state.options.flush_objects ||
           pending.bytes() >= state.options.flush_bytes;
  });
  if (wakes) {
    wake();
  }
  if (begins && state.pace.packs > 0) {
    state.compaction->wake();
  }
}

Result<void> Publisher::flush(std::chrono::milliseconds deadline) {
  const auto until = steady_clock::now() + deadline;
  const Drain drain(state_->queue);
  const auto target = drain.target();
  state_->queue.wait_until(std::stop_token{}, until, [&](const FlushQueue& queue) {
    return queue.oldest() >= target || (queue.stopped && queue.in_flight == 0);
  });
  return state_->queue.with([&](const FlushQueue& queue) -> Result<void> {
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

void Publisher::note_run(std::optional<PastRun> run) {
  state_->run_of_job.with([&](auto& noted) { noted = std::move(run); });
}

void Publisher::record(const std::vector<UsedPack>& used) {
  auto& state = *state_;
  const bool stopped = state.queue.with([](const FlushQueue& at) { return at.stopped || at.failures > 0; });
  if (!state.writer || stopped || !state.budget.ready(UploadBudget::Use::drain)) {
    return;
  }
  const auto recorded =
      record_uses(*state.storage, state.options.tag, state.clock, {.used = used, .run = state.noted_run()});
  if (!recorded) {
    log::info("publish: what was used could not be recorded tag={} error={}", state.options.tag.tag,
              recorded.error().message);
  } else if (*recorded) {
    state.tallies.recorded.add();
  }
}

PublisherFigures Publisher::figures() const {
  const auto& tallies = state_->tallies;
  PublisherFigures figures;
  figures.published = tallies.published.value();
  figures.flushes = tallies.flushes.value();
  figures.conflicts = tallies.conflicts.value();
  figures.retries = tallies.retries.value();
  figures.rate_limited = tallies.rate_limited;
  figures.generation = tallies.generation;
  figures.bytes_published = tallies.bytes.value();
  figures.compacted_packs = tallies.compacted_packs.value();
  figures.compacted_bytes = tallies.compacted_bytes.value();
  state_->queue.with([&](const FlushQueue& queue) {
    figures.now = queue.now();
    figures.in_flight = queue.in_flight;
    figures.pending = queue.pending.size() + queue.in_flight;
    figures.refused.assign(queue.refused.begin(), queue.refused.end());
    figures.last_error = queue.last_error;
  });
  return figures;
}

void Publisher::wake() {
  state_->queue.change([](FlushQueue& queue) { ++queue.changes; });
}

}  // namespace agent::publish
