#include "agent/app/housekeeping.hpp"

#include <algorithm>
#include <condition_variable>
#include <random>
#include <system_error>
#include <utility>

#include "agent/core/log.hpp"
#include "agent/core/text.hpp"
#include "agent/io/file.hpp"
#include "agent/report/figures.hpp"

namespace agent::app {

namespace {

using std::chrono::steady_clock;

constexpr milliseconds k_tick(500);
constexpr seconds k_scrub_interval(10);
constexpr std::uint64_t k_scrub_bytes = std::uint64_t{16} << 20U;
constexpr seconds k_client_deadline(5);

// Agents that started together should not refresh together.
milliseconds with_jitter(milliseconds interval) {
  static thread_local std::minstd_rand random{std::random_device{}()};
  std::uniform_real_distribution<double> factor(0.8, 1.2);
  return milliseconds(static_cast<std::int64_t>(static_cast<double>(interval.count()) * factor(random)));
}

}  // namespace

Housekeeping::Housekeeping(HousekeepingServices services)
    : services_(services),
      restarts_(
          services_.registry.counter("hearth_sccache_restarts_total",
                                     "Times sccache's server was started again after it died or hung")) {
  const auto& config = services_.config;
  if (!config.sccache_socket.empty()) {
    watch({.real = config.sccache_real, .socket = config.sccache_socket, .state = config.launcher_state});
  }
}

void Housekeeping::start(HousekeepingEvents events) {
  events_ = std::move(events);
  const auto now = steady_clock::now();
  next_snapshot_ = now + services_.config.snapshot_interval;
  next_refresh_ = now + with_jitter(services_.config.refresh_interval);
  next_scrub_ = now + k_scrub_interval;
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Housekeeping::watch(sccache::ServerPaths paths) {
  const std::scoped_lock lock(sccache_mutex_);
  sccache_.emplace(std::move(paths));
  services_.status.observe([](Observed& observed) { observed.watches_sccache = true; });
}

void Housekeeping::run(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wakened;
  while (!stop.stop_requested()) {
    std::unique_lock lock(mutex);
    wakened.wait_for(lock, stop, k_tick, [] { return false; });
    if (!stop.stop_requested()) {
      tick(steady_clock::now());
    }
  }
}

void Housekeeping::tick(steady_clock::time_point now) {
  look_for_an_end(now);
  events_.tick();
  if (now >= next_snapshot_) {
    snapshot();
    if (services_.hydration.collect() + services_.ccache.collect() > 0) {
      last_collected_ = now;
    }
    record();
    next_snapshot_ = now + services_.config.snapshot_interval;
  }
  if (now >= next_refresh_) {
    refresh();
    next_refresh_ = now + with_jitter(services_.config.refresh_interval);
  }
  if (now >= next_scrub_) {
    if (auto scrubbed = services_.store.scrub_some(k_scrub_bytes); !scrubbed) {
      log::warn("agent: scrub failed error={}", scrubbed.error().message);
    }
    next_scrub_ = now + k_scrub_interval;
  }
}

void Housekeeping::look_for_an_end(steady_clock::time_point now) {
  const auto& config = services_.config;
  std::error_code error;
  if (!config.sentinel.empty() && !io::fs::exists(config.sentinel, error)) {
    events_.end("the job is over: its folder " + config.sentinel.parent_path().string() + " was cleared");
  } else if (config.idle_limit.count() > 0 &&
             now - std::max(events_.last_activity(), last_collected_) > config.idle_limit) {
    events_.end("nothing spoke to it for " + human_duration(config.idle_limit));
  }
}

void Housekeeping::refresh() const {
  if (services_.tag == nullptr) {
    return;
  }
  if (auto refreshed = services_.tag->refresh(); !refreshed) {
    log::warn("agent: refresh failed error={}", refreshed.error().message);
  }
}

void Housekeeping::take_snapshot(sccache::Server& server) {
  const auto taken = server.take_snapshot(k_client_deadline);
  if (!taken && taken.error().code != Errc::not_found) {
    log::warn("agent: sccache's statistics could not be read error={}", taken.error().message);
  }
  const auto events = server.events();
  count(events);
  services_.status.observe([&](Observed& observed) {
    observed.statistics = server.statistics();
    observed.events = events;
  });
}

// Counters only grow: what the launcher has written since the last time.
void Housekeeping::count(const sccache::LauncherEvents& events) {
  const auto grow = [](metrics::Counter& counter, std::uint64_t to) {
    counter.add(to - std::min(to, counter.value()));
  };
  grow(restarts_, events.restarts);
  for (const auto& [reason, number] : events.fallbacks) {
    grow(services_.registry.counter("hearth_sccache_fallbacks_total",
                                    "Compilations that the launcher ran without sccache",
                                    {{"reason", reason}}),
         number);
  }
}

void Housekeeping::snapshot() {
  const std::scoped_lock lock(sccache_mutex_);
  if (sccache_) {
    take_snapshot(*sccache_);
  }
}

void Housekeeping::end_sccache(milliseconds deadline) {
  const std::scoped_lock lock(sccache_mutex_);
  if (!sccache_) {
    return;
  }
  take_snapshot(*sccache_);
  if (auto stopped = sccache_->stop(deadline); !stopped) {
    log::warn("agent: {}", stopped.error().message);
  }
  auto log = sccache_->log_lines();
  auto keys = sccache_->key_inputs();  // reads every file of the build: not while others wait for the status
  services_.status.observe([&](Observed& observed) {
    observed.log = std::move(log);
    observed.keys = std::move(keys);
    observed.sccache_ended = true;
  });
}

void Housekeeping::record() const {
  const auto& path = services_.config.record;
  if (path.empty()) {
    return;
  }
  const auto text = report::to_json(services_.status.figures()).dump(2) + "\n";
  if (auto written = io::write_file(path, text); !written) {
    log::warn("agent: record failed error={}", written.error().message);
  }
}

}  // namespace agent::app
