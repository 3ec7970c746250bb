// What an agent does by the clock: sccache's statistics, its new entries and the record every 5 s, the tag
// every 60 s, a slow scrub of the store, and watching for reasons to end. One thread; public methods are safe
// from any thread.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "agent/app/ccache.hpp"
#include "agent/app/config.hpp"
#include "agent/app/hydration.hpp"
#include "agent/app/status.hpp"
#include "agent/metrics/registry.hpp"
#include "agent/publish/tag_view.hpp"
#include "agent/sccache/server.hpp"
#include "agent/store/store.hpp"

namespace agent::app {

struct HousekeepingServices {
  const Config& config;
  Status& status;
  store::Store& store;
  Hydration& hydration;
  Ccache& ccache;
  metrics::Registry& registry;
  publish::TagView* tag = nullptr;
};

struct HousekeepingEvents {
  std::function<std::chrono::steady_clock::time_point()> last_activity;
  std::function<void(std::string reason)> end;
  std::function<void()> tick;  // a few times a second
};

class Housekeeping final {
public:
  explicit Housekeeping(HousekeepingServices services);

  void start(HousekeepingEvents events);

  void watch(sccache::ServerPaths paths);

  // sccache's statistics and the launcher's events, now.
  void snapshot();

  // A last snapshot, then its server is stopped.
  void end_sccache(std::chrono::milliseconds deadline);

  // Writes the figures to the record file.
  void record() const;

private:
  void run(const std::stop_token& stop);
  void tick(std::chrono::steady_clock::time_point now);
  void look_for_an_end(std::chrono::steady_clock::time_point now);
  void refresh() const;
  void take_snapshot(sccache::Server& server);
  void count(const sccache::LauncherEvents& events);

  HousekeepingServices services_;
  HousekeepingEvents events_;
  std::mutex sccache_mutex_;  // held while sccache is asked: its client may take a second
  std::optional<sccache::Server> sccache_;
  metrics::Counter& restarts_;
  std::chrono::steady_clock::time_point last_collected_;  // disk mode: nobody speaks to the agent
  std::chrono::steady_clock::time_point next_snapshot_;
  std::chrono::steady_clock::time_point next_refresh_;
  std::chrono::steady_clock::time_point next_scrub_;
  std::jthread thread_;  // last: it uses everything above
};

}  // namespace agent::app
