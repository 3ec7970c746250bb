// Reads chosen objects of packs for putting them into another pack: in place where a pack is open, out of its
// local copy where all of it is there, else by range in pieces of at most 8 MiB, into a file without a name.
// Every object is held against its SHA-256. A local copy with a wrong one is thrown away, and the storage is
// asked instead; what the storage has wrong when asked once more is left out and distrusted from then on.
// Used by one thread; blocks on the storage.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "agent/backends/object_storage.hpp"
#include "agent/io/checksum.hpp"
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
  Result<std::size_t> take_run(const LoadedPack& pack, std::span<const store::PackEntry> run,
                               const std::function<bool()>& go_on);
  Result<io::FileSlice> bring(const LoadedPack& pack, backends::Range range,
                              const std::function<bool()>& go_on);
  // From the storage into the file without a name; what came goes into `hash`, where one is given.
  Result<io::FileSlice> fetch(const LoadedPack& pack, backends::Range range,
                              const std::function<bool()>& go_on, io::Sha256* hash = nullptr);
  Result<void> open_spool();

  backends::ObjectStorage& storage_;
  PackCache& packs_;
  io::fs::path folder_;
  std::shared_ptr<io::Fd> spool_;
  std::uint64_t spooled_ = 0;
  std::vector<store::PackItem> items_;
};

}  // namespace agent::publish
