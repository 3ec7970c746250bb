// What an agent is told: the flags of `hearth agent`, already parsed. Value type.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/app/run_record.hpp"
#include "agent/app/sccache_mode.hpp"
#include "agent/backends/object_storage.hpp"
#include "agent/core/secret.hpp"
#include "agent/io/file.hpp"
#include "agent/publish/tag.hpp"

namespace agent::app {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

struct Config {
  std::string address = "127.0.0.1";  // empty: nothing is served, the agent only fills and collects
  std::uint16_t port = 0;             // 0 picks one
  std::vector<std::string> hosts;     // names this agent is reached by, beside loopback ones
  io::fs::path control;               // Unix socket; empty: none
  io::fs::path ready_file;            // written when it serves; empty: none
  io::fs::path store;
  std::uint64_t max_size_bytes = std::uint64_t{10} << 30U;
  std::uint64_t max_tag_bytes = 0;  // what the tag may hold in the backend; 0: as the backend wants it
  std::uint64_t min_free_bytes = std::uint64_t{256} << 20U;
  std::string backend = "none";                           // storage URL, or "none"
  backends::Variables variables = io::environment_value;  // what opens the backend
  publish::TagChain chain;
  publish::Mode mode = publish::Mode::read_write;
  std::string producer;
  std::string run;  // common to the jobs of one run, for the tag's history: "1234-1"; empty: there are none
  Secret token;     // empty: open on loopback
  milliseconds preload_deadline = seconds(10);
  std::uint64_t preload_bytes = std::uint64_t{2} << 30U;
  milliseconds refresh_interval = seconds(60);
  milliseconds snapshot_interval = seconds(5);  // of sccache's statistics and its folder
  milliseconds drain_deadline = seconds(60);

  // How it ends by itself: when the sentinel vanishes, or when nothing spoke to it for this long (0: never).
  io::fs::path sentinel;
  milliseconds idle_limit{0};

  // Where the figures are written every few seconds and at the end, for a post step that finds no agent.
  io::fs::path record;

  // Where a record of the run is kept when it has ended (agent/app/run_record.hpp); empty: none. Beyond what
  // the agent knows it holds what `surroundings` says, asked once, at the end.
  io::fs::path runs;
  std::function<Surroundings(const std::optional<sccache::Statistics>& statistics)> surroundings;

  // The job's sccache, watched and stopped at drain; empty: none.
  io::fs::path sccache_real;
  io::fs::path sccache_socket;
  io::fs::path launcher_state;

  // Disk mode: where sccache keeps its cache, as this process sees it; empty: proxy mode only. Its parent is
  // there.
  SccacheMode sccache_mode = SccacheMode::automatic;
  io::fs::path sccache_dir;
  // ccache's folder, likewise filled and collected from; empty: none.
  io::fs::path ccache_dir;
  // What an earlier agent left in these folders: go on collecting from it, or fill them anew.
  enum class Leftover : std::uint8_t { resumed, removed } leftover = Leftover::resumed;
  std::string checkout;  // absolute path of what is compiled, as the build steps see it
};

}  // namespace agent::app
