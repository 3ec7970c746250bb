// The one facade over everything that holds objects: the local store, the tag, the storage behind it, and the
// publisher. Fronts speak to this and to nothing below. Thread-safe.
//
// Lookup order: what this job stored -> the tag -> a miss. What somebody removed from the tag is looked up in
// the tag only, until a job stores it anew. Whatever fails below is a miss here, counted with
// its reason: the cache never fails a build. An object key is "<front>/<key as the tool sent it>".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "agent/cache/request_log.hpp"
#include "agent/core/clock.hpp"
#include "agent/core/result.hpp"
#include "agent/io/file_slice.hpp"
#include "agent/metrics/registry.hpp"
#include "agent/publish/publisher.hpp"
#include "agent/publish/tag_view.hpp"
#include "agent/store/store.hpp"

namespace agent::cache {

struct Hit {
  io::FileSlice slice;
};

// How far a lookup came without the storage. Neither: a miss.
struct Lookup {
  std::optional<Hit> hit;
  std::optional<publish::TagEntry> elsewhere;  // only the storage has it
};

struct CacheServices {
  store::Store* store = nullptr;
  backends::ObjectStorage* storage = nullptr;  // null: no backend
  publish::TagView* tag = nullptr;             // null: no backend
  publish::Publisher* publisher = nullptr;
  metrics::Registry* registry = nullptr;
  RequestLog* requests = nullptr;  // null: what is asked for is counted, not written down
};

struct CacheOptions {
  publish::TagId tag;  // keeps objects of different tags in one store apart
  publish::Mode mode = publish::Mode::read_write;
  io::fs::path spool;  // for bodies of unknown length
  std::uint64_t max_object_bytes = std::uint64_t{4} << 30U;
};

class Cache;

// An object being stored. Used by one thread at a time; dropping it uncommitted leaves nothing behind.
class Write final {
public:
  Write(Write&&) noexcept;
  Write& operator=(Write&&) noexcept;
  ~Write();
  Result<void> write(std::span<const std::byte> bytes);
  // Makes it visible and hands it to the publisher.
  Result<void> commit() &&;

private:
  friend class Cache;
  struct State;
  explicit Write(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class Cache final {
public:
  struct State;

  Cache(CacheOptions options, CacheServices services);
  ~Cache();

  // Blocks on the local disk at most: what only the storage has is left to `fetch`.
  Lookup look_up(std::string_view key);

  // Of an entry that `look_up` returned. Blocks by the storage's own limits: not for an event loop.
  std::optional<Hit> fetch(std::string_view key, const publish::TagEntry& entry);

  // Both.
  std::optional<Hit> find(std::string_view key);

  bool contains(std::string_view key);

  // Errors: full, invalid (too large, bad key), io. In `off` mode the object is taken and dropped.
  Result<Write> begin(std::string_view key, std::optional<std::uint64_t> size_bytes);

  // Hands objects of this tag that are in the store but not in the tag (an earlier agent was killed) to the
  // publisher; returns how many.
  std::uint64_t adopt_unpublished();

private:
  std::unique_ptr<State> state_;
};

}  // namespace agent::cache
