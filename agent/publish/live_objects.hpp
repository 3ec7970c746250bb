// Reads chosen objects of packs for putting them into another pack: in place where a pack is open, out of its
// local copy where all of it is there, else by range in pieces of at most 8 MiB, into a file without a name.
// Every object is held against its SHA-256; one that does not match is left out and distrusted from then on.
// Used by one thread; blocks on the storage.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "agent/backends/object_storage.hpp"
#include "agent/io/file.hpp"
#include "agent/publish/pack_cache.hpp"
#include "agent/store/pack_writer.hpp"

namespace agent::publish {

class LiveObjects final {
public:
  // `folder` exists. Both others outlive this.
  LiveObjects(backends::ObjectStorage& storage, PackCache& packs, io::fs::path folder)
      : storage_(storage), packs_(packs), folder_(std::move(folder)) {}

  // `entries` are of this pack. Errors: not_found (the pack is gone), those of the storage and the local
  // disk, cancelled (go_on said so).
  Result<void> take(const LoadedPack& pack, std::vector<store::PackEntry> entries,
                    const std::function<bool()>& go_on);

  // What was taken. They stay readable after this object is gone.
  std::vector<store::PackItem> items() && { return std::move(items_); }

private:
  Result<io::FileSlice> bring(const LoadedPack& pack, backends::Range range,
                              const std::function<bool()>& go_on);
  Result<void> open_spool();
  void add(const LoadedPack& pack, const store::PackEntry& entry, io::FileSlice slice);

  backends::ObjectStorage& storage_;
  PackCache& packs_;
  io::fs::path folder_;
  std::shared_ptr<io::Fd> spool_;
  std::uint64_t spooled_ = 0;
  std::vector<store::PackItem> items_;
};

}  // namespace agent::publish
