// What a tag holds, as one consistent view that is replaced as a whole: key -> extent of a pack.
// Thread-safe. `find` takes no I/O for packs opened in place; otherwise it says where to read.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "agent/backends/object_storage.hpp"
#include "agent/core/digest.hpp"
#include "agent/core/result.hpp"
#include "agent/io/file_slice.hpp"
#include "agent/publish/tag.hpp"

namespace agent::publish {

// An object that must be read by range from the storage.
struct RemoteExtent {
  std::string pack_name;
  backends::Range range;
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

struct TagViewState;

class TagView final {
public:
  // Loads nothing yet: the view is empty until the first refresh.
  TagView(backends::ObjectStorage& storage, TagChain chain, metrics::Registry& registry);
  ~TagView();

  // Reads the pointers of the chain and whatever manifests and footers are new. A pack that is gone or
  // corrupt is left out and counted, never an error. Errors: those of the storage, for the pointers only; the
  // view is unchanged then.
  Result<void> refresh();

  std::optional<TagEntry> find(std::string_view key) const;

  // Advises the kernel to read packs opened in place, the newest first, up to the budget or the deadline;
  // returns the bytes covered.
  std::uint64_t preload(std::uint64_t budget_bytes, std::chrono::steady_clock::time_point deadline);

  // Leaves the entry out until the next refresh that brings another: its bytes turned out to be wrong.
  void distrust(std::string_view key);

  TagFigures figures() const;

  // Every key, for `hearth inspect` and tests; the view may be replaced meanwhile.
  void each(const std::function<void(std::string_view key, const TagEntry& entry)>& visit) const;

private:
  std::unique_ptr<TagViewState> state_;
};

}  // namespace agent::publish
