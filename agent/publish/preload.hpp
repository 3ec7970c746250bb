// Brings copies of packs in the background: large ranged reads, several at a time. As many as the storage
// stands: each success allows one more, each failure halves them. A part that failed is asked for again,
// alone; what has come stays. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "agent/backends/object_storage.hpp"
#include "agent/core/guarded.hpp"
#include "agent/metrics/registry.hpp"
#include "agent/publish/pack_copy.hpp"

namespace agent::publish {

struct PreloadOptions {
  std::uint64_t budget_bytes = std::uint64_t{2} << 30U;
  std::uint64_t part_bytes = std::uint64_t{8} << 20U;  // held in memory per stream
  unsigned streams = 6;
  unsigned attempts = 3;                 // per part, beyond the storage's own
  std::chrono::milliseconds pause{500};  // before another attempt, where the storage names none
};

// A range of a copy that is wanted.
struct PreloadPart {
  std::shared_ptr<PackCopy> copy;
  backends::Range range;
};

struct PreloadFigures {
  std::uint64_t bytes = 0;
  std::uint64_t failed_parts = 0;  // given up: their objects are fetched on demand
  bool done = false;
};

class Preloader final {
public:
  // Begins at once; `storage` and `registry` outlive it. The parts are fetched in this order.
  Preloader(backends::ObjectStorage& storage, std::vector<PreloadPart> parts, PreloadOptions options,
            metrics::Registry& registry);
  // Waits for the reads under way and begins no other.
  ~Preloader();

  // Until everything has come or was given up; false at the deadline, and it goes on in the background.
  bool wait(std::chrono::steady_clock::time_point deadline);

  PreloadFigures figures() const;

private:
  struct Part {
    std::shared_ptr<PackCopy> copy;  // null: nothing is left
    backends::Range range;
    std::size_t number = 0;  // of the part it belongs to
  };
  struct State {
    std::size_t next = 0;  // part
    std::uint64_t claimed = 0;
    unsigned active = 0;
    unsigned limit = 2;
    unsigned working = 0;  // threads
    PreloadFigures figures;
  };

  void work(const std::stop_token& stop);
  Part take(State& state);
  bool fetch(const std::stop_token& stop, const Part& part);
  void give_up(const Part& part);

  backends::ObjectStorage& storage_;
  std::vector<PreloadPart> parts_;
  PreloadOptions options_;
  metrics::Counter& bytes_;
  metrics::Counter& failed_;
  Guarded<State> state_;
  std::vector<std::jthread> threads_;  // last: they use the rest
};

}  // namespace agent::publish
