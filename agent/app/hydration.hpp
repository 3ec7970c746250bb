// How the job's sccache reaches the tag: decides for proxy or disk mode, and in disk mode keeps the exchange
// with sccache's folder. Thread-safe after begin().
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "agent/app/folder_exchange.hpp"
#include "agent/app/sccache_mode.hpp"
#include "agent/sccache/install.hpp"

namespace agent::app {

class Hydration final {
public:
  explicit Hydration(FolderServices services);

  // Decides, and fills the folder in disk mode; a folder that an earlier agent of this job filled is left as
  // it is. Blocks on the storage. What goes wrong is a note in the figures, and proxy mode. Called once,
  // before anything is served.
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
  void put_record();
  void note(std::string text);

  FolderServices services_;
  FolderExchange folder_;
  std::optional<sccache::DiskCache> disk_;
  std::mutex mutex_;                  // of the record
  std::optional<ModeRecord> record_;  // still to be put into the tag
  bool tag_was_empty_ = true;
};

}  // namespace agent::app
