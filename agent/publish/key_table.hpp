// Key -> entry over many packs: one open-addressing table of twelve bytes a slot; the keys stay in the packs'
// footers. A value: copying is cheap next to building anew. Const methods are safe from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/publish/pack_cache.hpp"

namespace agent::publish {

// A pack and where its scope stands in the chain: 0 is the own one.
struct ScopedPack {
  std::uint32_t scope = 0;
  std::shared_ptr<const LoadedPack> pack;
  std::shared_ptr<const RemovedKeys> removed = nullptr;  // what the scope's manifest says; null: nothing
};

// Null where nothing was removed.
std::shared_ptr<const RemovedKeys> shared_removed(const Manifest& manifest);

class KeyTable final {
public:
  struct Found {
    const LoadedPack* pack = nullptr;  // lives as long as this table
    std::uint32_t position = 0;
  };

  // Makes it hold exactly these packs; cheap where they are those it holds and some more. Of equal keys the
  // lower scope wins, then the later generation, then the later pack.
  void hold(const std::vector<ScopedPack>& packs);

  std::optional<Found> find(std::string_view key) const;

  void each(const std::function<void(const Found&)>& visit) const;

  std::uint64_t objects() const { return objects_; }
  std::uint64_t bytes() const { return bytes_; }
  const std::vector<ScopedPack>& packs() const { return packs_; }

private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t pack = 0;  // number in packs_, from 1; 0: the slot is free
    std::uint32_t position = 0;
  };

  void add(const ScopedPack& pack);
  void insert(std::uint32_t pack, std::uint32_t position, const store::PackEntry& entry);
  void reserve(std::uint64_t objects);
  std::size_t slot_of(std::string_view key, std::uint64_t hash) const;
  const LoadedPack& pack_of(const Slot& slot) const { return *packs_[slot.pack - 1].pack; }

  std::vector<ScopedPack> packs_;
  std::vector<Slot> slots_;  // a power of two; at most three quarters are taken
  std::uint64_t objects_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace agent::publish
