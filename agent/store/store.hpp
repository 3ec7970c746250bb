// The local store: objects by key in append-only segment files of the pack format (docs/formats.md), index in
// memory, no file per object. One owner per folder. Thread-safe; blocks on the local disk, never on the
// network.
//
// A write reserves its extent first, so a full disk or a full store shows before any byte is taken. Nothing
// is synced per write; a segment is synced when it is sealed. After a crash, extents without a commit mark
// are skipped. The first read of an object after opening checks its CRC-32C; a corrupt one is quarantined and
// is a miss from then on. Over the size cap the least recently used objects go (hole punching); pinned ones
// stay.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>

#include "agent/core/digest.hpp"
#include "agent/core/result.hpp"
#include "agent/io/file.hpp"
#include "agent/io/file_slice.hpp"
#include "agent/metrics/registry.hpp"
#include "agent/store/pack_format.hpp"

namespace agent::store {

struct StoreOptions {
  io::fs::path folder;
  std::uint64_t max_size_bytes = std::uint64_t{10} << 30U;
  std::uint64_t min_free_bytes = 0;  // of the file system: reservations that would go below fail with `full`
  std::uint64_t segment_bytes = std::uint64_t{64} << 20U;
  // synced: sealing waits for the disk. cached: a power cut may cost more than the open segment, nothing
  // else.
  io::Durability durability = io::Durability::synced;
};

// One object at rest. Holding it pins it: it is neither evicted nor reused meanwhile. It may outlive the
// store; the folder stays locked until the last one is gone.
struct Stored {
  io::FileSlice slice;
  Digest digest;
  std::uint32_t crc32c = 0;
};

struct StoreFigures {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;           // of live objects
  std::uint64_t reserved_bytes = 0;  // of disk, segments included
  std::uint64_t evicted = 0;
  std::uint64_t quarantined = 0;
};

class StoreState;

// What becomes of the object that a key has already.
enum class Present : std::uint8_t { replaced, kept };

// An object being written. Used by one thread at a time; destroying it uncommitted gives its extent back.
class Incoming final {
public:
  Incoming(Incoming&&) noexcept;
  Incoming& operator=(Incoming&&) noexcept;
  ~Incoming();

  // Appends. Errors: invalid (more than was reserved), full, io.
  Result<void> write(std::span<const std::byte> bytes);

  // Ends the object and makes it visible under `key` (1 to 1,024 bytes, and not more than were reserved for
  // it). Where the key has an object already that one is replaced, or kept and returned: it may not have been
  // checked yet. Errors: invalid (fewer bytes than were reserved; bad key), full, io.
  Result<Stored> commit(std::string_view key, Present present = Present::replaced) &&;

private:
  friend class Store;
  struct State;
  explicit Incoming(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class Store final {
public:
  // Creates the folder where it is missing, takes its lock and rebuilds the index.
  // Errors: conflict (another process owns the folder), io, full, denied.
  static Result<std::unique_ptr<Store>> open(const StoreOptions& options, metrics::Registry& registry);
  ~Store();

  // `key_bytes` is the most that the key to come will take; what it turns out not to need may stay unused.
  // Errors: full (size cap with everything pinned, disk, min_free_bytes), invalid (larger than the cap or
  // than 4 GiB), io.
  Result<Incoming> reserve(std::uint64_t size_bytes, std::size_t key_bytes = k_max_key_bytes);

  // Empty if absent. Errors: io. A corrupt object is quarantined, counted and absent.
  Result<std::optional<Stored>> find(std::string_view key);

  bool contains(std::string_view key) const;

  void remove(std::string_view key);

  // Every key that starts with `prefix`, in no order. `visit` must not call the store.
  void each_key(std::string_view prefix, const std::function<void(std::string_view key)>& visit) const;

  // Seals and syncs the open segment; later writes begin a new one. Objects that are being written meanwhile
  // are not waited for. Errors: full, io.
  Result<void> seal();

  // Checks SHA-256 of about `budget_bytes` of objects, going on where the last call ended; returns how many
  // were corrupt (and are quarantined now).
  Result<std::uint64_t> scrub_some(std::uint64_t budget_bytes);

  StoreFigures figures() const;

private:
  explicit Store(std::shared_ptr<StoreState> state);
  std::shared_ptr<StoreState> state_;
  std::jthread sealer_;  // gives closed segments their footer
};

}  // namespace agent::store
