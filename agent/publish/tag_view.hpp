// What a tag holds, as one consistent view that is replaced as a whole: key -> extent of a pack.
// Thread-safe. For packs opened in place `find` reads an object once, the first time it is asked for, to
// check its CRC-32C; in a local copy of a pack, its SHA-256. Otherwise it says where to read.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/backends/object_storage.hpp"
#include "agent/core/digest.hpp"
#include "agent/core/result.hpp"
#include "agent/io/file_slice.hpp"
#include "agent/publish/run_history.hpp"
#include "agent/publish/tag.hpp"
#include "agent/publish/touch_set.hpp"

namespace agent::publish {

class PackCopies;
class PackCopy;

// An object that must be read by range from the storage.
struct RemoteExtent {
  std::string pack_name;
  backends::Range range;
  std::shared_ptr<PackCopy> copy;  // where its neighbours are wanted as well; null: there is none
};

struct TagEntry {
  std::variant<io::FileSlice, RemoteExtent> where;
  Digest digest;
  std::uint32_t crc32c = 0;
  std::uint64_t size = 0;
};

struct TagFigures {
  std::uint64_t generation = 0;  // of the own scope; 0: it does not exist yet
  std::uint64_t objects = 0;     // over the whole chain
  std::uint64_t bytes = 0;
  std::uint64_t packs = 0;
};

class PackCache;
struct TagViewState;

class TagView final {
public:
  // Loads nothing yet: the view is empty until the first refresh.
  // `copies`: where packs go that cannot be opened in place; null: they are read object by object.
  TagView(backends::ObjectStorage& storage, TagChain chain, metrics::Registry& registry,
          std::shared_ptr<PackCopies> copies = nullptr);
  ~TagView();

  // Reads the pointers of the chain and whatever manifests and footers are new. A pack that is gone or
  // corrupt is left out and counted in hearth_tag_packs_skipped_total{reason}, never an error. Errors: those
  // of pointers and manifests (agent/publish/tag_head.hpp; not_found where a manifest is gone): such a scope
  // keeps what it had, the others are refreshed all the same.
  Result<void> refresh();

  // Empty where no scope has it, or where its bytes are wrong: those are distrusted at once and counted in
  // hearth_tag_objects_corrupt_total.
  std::optional<TagEntry> find(std::string_view key) const;

  // The same for a job: what it uses is what preload and expiry go by (agent/publish/touch_set.hpp).
  std::optional<TagEntry> use(std::string_view key) const;
  // Only notes the use: the object was answered from elsewhere.
  void note_use(std::string_view key) const;
  // What of the own scope was used so far.
  std::vector<UsedPack> used() const;

  // Somebody took the object out of a tag of the chain: copies kept elsewhere do not count any more.
  bool removed(std::string_view key) const;

  // Reads packs before anybody asks, what recent runs used first (agent/publish/preload_order.hpp), up to the
  // budget or the deadline: for those opened in place it advises the kernel, of others it fetches the copies,
  // and goes on in the background at the deadline. Returns the bytes that are here. Once.
  std::uint64_t preload(std::uint64_t budget_bytes, std::chrono::steady_clock::time_point deadline);

  // Brings an object of a remote pack that has a copy. Afterwards `find` has it in place, or knows that it is
  // gone or wrong. Errors: those of the storage.
  Result<void> bring(const RemoteExtent& extent);

  // The pack is not in the storage any more: reads the tag again without it.
  Result<void> pack_gone(std::string_view pack_name);

  // Leaves the entry out until the next refresh that brings another: its bytes turned out to be wrong.
  void distrust(std::string_view key);

  TagFigures figures() const;

  // What the last runs came to: of the first scope of the chain that has any on record.
  RunHistory runs() const;

  // For the publisher of the same tag: it then neither reads footers again nor takes a distrusted object for
  // one that need not be published.
  std::shared_ptr<PackCache> packs() const;

  // Every key, for `hearth inspect` and tests; the view may be replaced meanwhile.
  void each(const std::function<void(std::string_view key, const TagEntry& entry)>& visit) const;

private:
  std::unique_ptr<TagViewState> state_;
};

}  // namespace agent::publish
