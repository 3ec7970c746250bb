// Gathers the figures of a running agent into one report. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "agent/app/config.hpp"
#include "agent/app/sccache_mode.hpp"
#include "agent/core/guarded.hpp"
#include "agent/folders/ccache_counts.hpp"
#include "agent/metrics/registry.hpp"
#include "agent/publish/publisher.hpp"
#include "agent/publish/tag_view.hpp"
#include "agent/report/figures.hpp"
#include "agent/sccache/server.hpp"

namespace agent::app {

enum class Phase : std::uint8_t { starting, warming, ready, draining };

std::string_view name_of(Phase phase);

// What is learnt from sccache and while warming up.
struct Observed {
  bool watches_sccache = false;
  SccacheMode sccache_mode = SccacheMode::proxy;
  std::uint64_t filled_bytes = 0;  // of sccache's folder, in disk mode
  std::optional<sccache::Statistics> statistics;
  std::optional<folders::CcacheCounts> ccache;  // where the job has a folder for it
  sccache::LauncherEvents events;
  bool sccache_ended = false;  // its statistics are all there will be
  std::optional<double> preload_seconds;
  std::optional<std::uint64_t> tag_objects;  // when the tag was first read
  publish::RunHistory earlier_runs;          // likewise
  std::vector<report::Miss> top_misses;      // at the end
  std::vector<std::string> notes;
  std::vector<sccache::LogLine> log;  // of sccache's server, at the end
  sccache::KeyInputs keys;            // where they were asked for
};

struct StatusSources {
  const Config* config = nullptr;
  const metrics::Registry* registry = nullptr;
  const publish::Publisher* publisher = nullptr;
  const publish::TagView* tag = nullptr;  // null: no backend
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
};

class Status final {
public:
  explicit Status(StatusSources sources) : sources_(sources) {}

  void set_phase(Phase phase) { phase_.store(phase); }
  Phase phase() const { return phase_.load(); }
  bool serving() const { return phase() == Phase::ready || phase() == Phase::draining; }

  template <typename F>
  void observe(F&& change) {
    observed_.with(std::forward<F>(change));
  }

  report::Figures figures() const;

  template <typename F>
  decltype(auto) observed(F&& look) const {
    return observed_.with(std::forward<F>(look));
  }

private:
  StatusSources sources_;
  std::atomic<Phase> phase_{Phase::starting};
  Guarded<Observed> observed_;
};

}  // namespace agent::app
