// The packs that this process has opened: verified footers, files opened in place, and what turned out to be
// wrong in them. One for the tag view and the publisher together spares reading footers twice.
// Thread-safe; loading blocks on the storage.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "agent/backends/object_storage.hpp"
#include "agent/core/guarded.hpp"
#include "agent/publish/manifest.hpp"
#include "agent/publish/pack_copy.hpp"
#include "agent/store/pack_reader.hpp"

namespace agent::publish {

// Immutable but for the marks of what was checked.
struct LoadedPack {
  PackRecord record;
  store::PackIndex index;
  std::string name;                   // in the storage
  std::optional<io::FileSlice> file;  // the whole pack, where it could be opened in place
  std::shared_ptr<PackCopy> copy;     // else the local copy, where there is one

  // A number for the entry at this position that no other one has, below marks.size() * 8.
  static std::size_t mark_of(std::uint32_t position);

  // One bit per entry, found by its position in the footer: its bytes were read and matched their checksum.
  bool checked(std::uint32_t position) const;
  void set_checked(std::uint32_t position) const;

  // The same for what this job used.
  bool used(std::uint32_t position) const;
  void set_used(std::uint32_t position) const;

  mutable std::vector<std::atomic<std::uint8_t>> marks;
  mutable std::vector<std::atomic<std::uint8_t>> uses;
};

class PackCache final {
public:
  // `open_files` packs at most are kept open at once; the rest is read by range.
  explicit PackCache(std::size_t open_files = default_open_files());

  // Where copies of packs go that cannot be opened in place; without it there are none.
  void keep_copies(std::shared_ptr<PackCopies> copies) { copies_ = std::move(copies); }

  // Half of what this process may open.
  static std::size_t default_open_files();

  // The pack of a manifest's record; the same one as long as anybody holds it.
  // Errors: not_found (it is gone), corrupt, unsupported, those of the storage.
  Result<std::shared_ptr<const LoadedPack>> load(backends::ObjectStorage& storage, const PackRecord& record);

  // What load() would read from the storage, for a pack this process has just uploaded.
  void adopt(const Digest& pack, store::PackIndex index);

  // This pack is no longer in the storage: loading it fails with not_found until the storage has it again.
  void forget(const Digest& pack);

  // The object under `key` in this pack is wrong; it counts as absent from now on.
  void distrust(const Digest& pack, std::string_view key);
  bool distrusted(const Digest& pack, std::string_view key) const;

private:
  Result<std::shared_ptr<const LoadedPack>> read(backends::ObjectStorage& storage, const PackRecord& record);
  Result<std::optional<io::FileSlice>> open_file(backends::ObjectStorage& storage, const std::string& name);
  std::optional<store::PackIndex> take_adopted(const Digest& pack);
  std::shared_ptr<PackCopy> copy_of(const std::string& name, const PackRecord& record);

  struct State {
    std::unordered_map<Digest, std::weak_ptr<const LoadedPack>, DigestHash> packs;
    std::size_t prune_at = 64;  // packs; then those nobody holds are forgotten
    std::unordered_map<Digest, store::PackIndex, DigestHash> adopted;  // until they are loaded
    std::unordered_set<std::string> distrusted;                        // pack digest and key
  };
  Guarded<State> state_;
  std::atomic<bool> any_distrusted_{false};
  std::shared_ptr<std::atomic<std::size_t>> files_left_;
  std::shared_ptr<PackCopies> copies_;
};

}  // namespace agent::publish
