// The agent, composed: store, storage, tag, publisher, cache, fronts, HTTP. It owns every object in
// construction order; shutdown is destruction in reverse. Thread-safe where noted.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "agent/app/config.hpp"
#include "agent/core/result.hpp"
#include "agent/report/figures.hpp"
#include "agent/sccache/install.hpp"

namespace agent::app {

class Agent final {
public:
  // Opens everything, serves its own pages, warms up, and answers lookups when it returns. A backend that
  // cannot be opened or read is a note in the figures and an agent without it, never an error. Errors:
  // conflict (store or port taken), io, full, denied, invalid (addresses, paths).
  static Result<std::unique_ptr<Agent>> start(Config config);

  // Stops serving without publishing what is pending; drain first.
  ~Agent();

  // "http://127.0.0.1:7420"; empty where nothing is served.
  std::string endpoint() const;

  // What the job's sccache is to be installed with; empty: proxy mode.
  std::optional<sccache::DiskCache> disk_cache() const;

  // Where ccache works; empty where there is no folder for it.
  const io::fs::path& ccache_folder() const;

  // Names the job's sccache, for an agent that was started before it was installed. Safe from any thread.
  void watch_sccache(const io::fs::path& real, const io::fs::path& socket, const io::fs::path& state);

  // Takes sccache's last statistics and stops its server, then publishes what is pending. The final figures.
  // Safe from any thread; a second call waits for the first and answers the same.
  report::Figures drain(std::chrono::milliseconds deadline);

  // Safe from any thread.
  report::Figures figures() const;

  // Of its record in Config::runs.
  std::string record_id() const;

  // Blocks until the agent has a reason to end: somebody drained it over the control socket, its sentinel
  // vanished, nothing spoke to it for the idle limit, or `stop` was requested. Returns the reason in words.
  std::string wait(const std::stop_token& stop);

private:
  struct State;
  explicit Agent(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace agent::app
