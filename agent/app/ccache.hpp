// The job's ccache: its folder, exchanged with the tag, and what it counted. ccache has no server and asks
// nobody: it finds the folder by CCACHE_DIR. Thread-safe after begin().
#pragma once

#include <cstdint>

#include "agent/app/folder_exchange.hpp"
#include "agent/folders/ccache_counts.hpp"

namespace agent::app {

class Ccache final {
public:
  explicit Ccache(FolderServices services);

  // Fills the folder, where there is to be one. Blocks on the storage. What goes wrong is a note in the
  // figures, and an empty folder. Called once.
  void begin();

  // Takes over what ccache has added since the last time; how many. Blocks on the local disk.
  std::uint64_t collect();

  void finish();

private:
  void count() const;

  FolderServices services_;
  FolderExchange folder_;
  bool active_ = false;
};

}  // namespace agent::app
