// A tool's private cache folder, filled from the tag before the build, and whatever the tool adds to it
// handed to the cache, which publishes it. No HTTP between them, so the agent need not live while the build
// runs. Thread-safe after fill().
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "agent/app/config.hpp"
#include "agent/app/status.hpp"
#include "agent/backends/object_storage.hpp"
#include "agent/cache/cache.hpp"
#include "agent/folders/cache_folder.hpp"
#include "agent/folders/collect.hpp"
#include "agent/folders/hydrate.hpp"
#include "agent/metrics/registry.hpp"
#include "agent/publish/tag_view.hpp"

namespace agent::app {

struct FolderServices {
  const Config& config;
  Status& status;
  metrics::Registry& registry;
  cache::Cache& cache;
  publish::TagView* tag = nullptr;             // null: no backend
  backends::ObjectStorage* storage = nullptr;  // null: no backend
};

class FolderExchange final {
public:
  // `folder` as this process sees it; its parent is there.
  FolderExchange(FolderServices services, const folders::CacheFolder& rules, io::fs::path folder);

  // An earlier agent of this job filled it: fill() then leaves it as it is and goes on collecting.
  bool is_filled() const;
  // Makes fill() start anew.
  void forget();

  // Blocks on the storage. What could not be filled in is a note in the figures. Errors: io, full, denied.
  Result<void> fill();

  // Bytes that the tool may come to hold: what was filled in, which it would else evict, and what is to come.
  std::uint64_t budget_bytes() const;
  std::uint64_t filled_bytes() const { return filled_with_.bytes; }
  // What the disk has for the folder.
  std::uint64_t free_bytes() const;

  // Takes over what the tool has added since the last time; how many. Blocks on the local disk.
  std::uint64_t collect();

  // The last collection, once the tool has ended, and which entries it used; how many were new.
  std::uint64_t finish();

private:
  void fill_from_tag(folders::Hydrator& hydrator);
  Result<void> store(std::string_view path, const io::FileSlice& file);
  std::uint64_t collect_locked();
  void note_uses() const;
  void note(std::string text);

  FolderServices services_;
  const folders::CacheFolder& rules_;
  io::fs::path folder_;
  metrics::Counter& filled_;
  metrics::Counter& filled_bytes_;
  metrics::Counter& collected_;
  folders::FilledWith filled_with_;
  std::mutex mutex_;  // held while the folder is looked through
  folders::Collector collector_;
};

}  // namespace agent::app
