// Compacts a tag beside the publisher that fills it, on a thread of its own, so that it never holds up a
// flush or a drain: it begins only while nobody waits for a flush and the storage's upload budget has enough,
// and stops between two calls to the storage when that changes. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <thread>

#include "agent/core/guarded.hpp"
#include "agent/publish/compactor.hpp"

namespace agent::publish {

struct CompactionHost {
  std::function<bool()> may_begin;
  std::function<bool()> may_go_on;
  std::function<std::uint64_t()> new_bytes;  // that this run has published or is about to
  std::function<void(const Compacted&)> done;
  std::function<void()>
      relieve;  // once, behind the first compaction: a storage that is nearly full; may be empty
  std::chrono::milliseconds delay{1'000};  // after waking; more may be coming
};

class BackgroundCompaction final {
public:
  // What `services` and `host` refer to outlives this; services.go_on is set here.
  BackgroundCompaction(CompactorOptions options, CompactorServices services, CompactionHost host);

  // Packs were added, or objects that will be. Uploads at most twice the new bytes over all runs.
  void wake();

private:
  void run(const std::stop_token& stop);
  void compact(const std::stop_token& stop);
  bool wait(const std::stop_token& stop, std::chrono::milliseconds time);

  CompactionHost host_;
  std::stop_token stopping_;  // of the thread
  Compactor compactor_;       // used by the thread only
  std::uint64_t uploaded_ = 0;
  bool relieved_ = false;
  Guarded<bool> wanted_{false};
  std::jthread thread_;  // last: it ends before what it uses
};

}  // namespace agent::publish
