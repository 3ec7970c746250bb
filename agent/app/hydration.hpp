// Disk mode of sccache: a private SCCACHE_DIR, filled from the tag before sccache's server starts, and
// whatever the server adds to it handed to the cache, which publishes it. No HTTP between them, so the agent
// need not live while the build runs. Thread-safe after begin().
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "agent/app/config.hpp"
#include "agent/app/sccache_mode.hpp"
#include "agent/app/status.hpp"
#include "agent/backends/object_storage.hpp"
#include "agent/cache/cache.hpp"
#include "agent/metrics/registry.hpp"
#include "agent/publish/tag_view.hpp"
#include "agent/sccache/collect.hpp"
#include "agent/sccache/hydrate.hpp"
#include "agent/sccache/install.hpp"

namespace agent::app {

struct HydrationServices {
  const Config& config;
  Status& status;
  metrics::Registry& registry;
  cache::Cache& cache;
  publish::TagView* tag = nullptr;             // null: no backend
  backends::ObjectStorage* storage = nullptr;  // null: no backend
};

class Hydration final {
public:
  explicit Hydration(HydrationServices services);

  // Decides for proxy or disk mode and, for the latter, fills the folder; a folder that an earlier agent of
  // this job filled is left as it is. Blocks on the storage. What goes wrong is a note in the figures, and
  // proxy mode. Called once, before anything is served.
  void begin();

  // What sccache's server is to be started with; empty in proxy mode.
  std::optional<sccache::DiskCache> disk_cache() const { return disk_; }

  // Takes over what sccache has added since the last time; how many. Blocks on the local disk.
  std::uint64_t collect();

  // The last collection, once sccache's server has ended.
  void finish();

private:
  ModeFacts facts(SccacheMode requested) const;
  std::optional<ModeRecord> recorded() const;
  std::uint64_t free_bytes() const;
  void use_disk();
  void resume();
  Result<void> fill();
  void fill_from_tag(sccache::Hydrator& hydrator);
  std::uint64_t collect_locked();
  void note_uses() const;
  Result<void> store(std::string_view path, const io::FileSlice& file);
  void put_record();
  void note(std::string text);

  HydrationServices services_;
  metrics::Counter& filled_;
  metrics::Counter& filled_bytes_;
  metrics::Counter& collected_;
  std::optional<sccache::DiskCache> disk_;
  std::mutex mutex_;  // held while the folder is looked through
  sccache::Collector collector_;
  std::optional<ModeRecord> record_;  // still to be put into the tag
  bool tag_was_empty_ = true;
};

}  // namespace agent::app
