// Puts one batch of objects into a tag: builds packs, uploads them, moves the pointer. Synchronous; used by
// one thread at a time. What it uploaded before a failure it uses again in the next attempt.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "agent/backends/object_storage.hpp"
#include "agent/core/clock.hpp"
#include "agent/publish/build_time.hpp"
#include "agent/publish/key_table.hpp"
#include "agent/publish/run_history.hpp"
#include "agent/publish/tag.hpp"
#include "agent/publish/tag_head.hpp"
#include "agent/store/pack_writer.hpp"

namespace agent::publish {

struct TagWriterOptions {
  TagId tag;
  std::string producer;
  io::fs::path folder;  // for packs being built; our own, emptied at start
  std::chrono::milliseconds conflict_pause{20};
};

struct TagWriterServices {
  backends::ObjectStorage& storage;
  const Clock& clock;
  std::shared_ptr<PackCache> packs;
  std::function<void()> conflict;                        // counts one
  std::function<void(std::uint64_t)> uploaded;           // counts bytes
  std::function<bool(std::chrono::milliseconds)> pause;  // false: stop was requested
  std::function<std::optional<PastRun>()> run = {};      // what goes into the run history with a swap
};

class TagWriter final {
public:
  TagWriter(TagWriterOptions options, TagWriterServices services);
  TagWriter(const TagWriter&) = delete;
  TagWriter& operator=(const TagWriter&) = delete;
  ~TagWriter();

  // When it returns, every item is live in the tag or is named in the outcome as unreadable. An item is left
  // out of the upload only if the tag holds its key with its digest already.
  // Errors: as the storage says; conflict (others were faster over and over), cancelled (stop), full,
  // corrupt and unsupported (tag_head.hpp). Some of the items may be in the tag all the same.
  struct Outcome {
    std::vector<std::string> unreadable;  // keys whose bytes at rest are wrong
    std::uint64_t generation = 0;         // that holds all of it
  };
  Result<Outcome> publish(const std::vector<store::PackItem>& items);

private:
  // A pack that was built and is not known to be in the tag yet.
  struct Prepared {
    PackRecord record;
    io::fs::path path;  // empty once uploaded
    BuildTime built;
    std::map<std::string, Digest> holds;
  };

  Result<void> step(const std::vector<store::PackItem>& items, Outcome& outcome);
  Result<void> hold(const Manifest& manifest);
  bool live(const store::PackItem& item) const;
  static bool holds(const Prepared& prepared, const store::PackItem& item);
  bool covered(const store::PackItem& item) const;
  bool is_needed(const Prepared& prepared, const std::vector<store::PackItem>& items) const;
  Result<void> build(std::vector<store::PackItem> items, Outcome& outcome);
  Result<void> upload(Prepared& prepared);
  Result<void> swap(const Head& head, const std::vector<PackRecord>& packs);
  bool forget_old();
  bool forget_if(const std::function<bool(const Prepared&)>& unwanted);
  std::chrono::milliseconds conflict_pause(unsigned conflicts);

  TagWriterOptions options_;
  TagWriterServices services_;
  KeyTable table_;                  // of the manifest swapped against
  std::vector<ScopedPack> loaded_;  // by a try that failed: the next one goes on from there
  std::vector<Prepared> prepared_;
  std::uint64_t last_created_ms_ = 0;
  std::uint64_t next_file_ = 0;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace agent::publish
