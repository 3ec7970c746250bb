#include "agent/publish/key_table.hpp"

#include <algorithm>
#include <bit>
#include <tuple>
#include <unordered_map>

namespace agent::publish {

namespace {

constexpr std::size_t k_fewest_slots = 64;

std::uint64_t hash_of(std::string_view key) {
  return std::hash<std::string_view>{}(key);
}

std::uint32_t upper(std::uint64_t hash) {
  return static_cast<std::uint32_t>(hash >> 32U);
}

bool wins(const ScopedPack& a, const ScopedPack& b) {
  const auto rank = [](const ScopedPack& scoped) {
    const auto& record = scoped.pack->record;
    return std::tuple(~scoped.scope, record.generation, record.created_ms, record.digest);
  };
  return rank(a) > rank(b);
}

bool equal(const std::shared_ptr<const RemovedKeys>& a, const std::shared_ptr<const RemovedKeys>& b) {
  return a == b || (a != nullptr && b != nullptr && *a == *b);
}

}  // namespace

std::shared_ptr<const RemovedKeys> shared_removed(const Manifest& manifest) {
  return manifest.removed.empty() ? nullptr : std::make_shared<const RemovedKeys>(manifest.removed);
}

void KeyTable::hold(const std::vector<ScopedPack>& packs) {
  std::unordered_map<const LoadedPack*, const ScopedPack*> missing;
  std::uint64_t objects = 0;
  for (const auto& scoped : packs) {
    missing.emplace(scoped.pack.get(), &scoped);
    objects += scoped.pack->index.entries();
  }
  const bool grows = std::ranges::all_of(packs_, [&](const ScopedPack& held) {
    const auto found = missing.find(held.pack.get());
    return found != missing.end() && found->second->scope == held.scope &&
           equal(found->second->removed, held.removed);
  });
  if (!grows) {
    *this = KeyTable();
  }
  for (const auto& held : packs_) {
    missing.erase(held.pack.get());
  }
  reserve(objects);
  for (const auto& scoped : packs) {
    if (missing.erase(scoped.pack.get()) == 1) {
      add(scoped);
    }
  }
}

void KeyTable::add(const ScopedPack& pack) {
  packs_.push_back(pack);
  const auto number = static_cast<std::uint32_t>(packs_.size());
  const auto& index = pack.pack->index;
  index.each([&](const store::PackEntry& entry) {
    if (pack.removed == nullptr || !hides(*pack.removed, entry.key, pack.pack->record.generation)) {
      insert(number, index.position_of(entry), entry);
    }
  });
}

void KeyTable::insert(std::uint32_t pack, std::uint32_t position, const store::PackEntry& entry) {
  const auto hash = hash_of(entry.key);
  auto& slot = slots_[slot_of(entry.key, hash)];
  if (slot.pack != 0) {
    if (!wins(packs_[pack - 1], packs_[slot.pack - 1])) {
      return;
    }
    bytes_ -= pack_of(slot).index.at(slot.position).size;
    --objects_;
  }
  slot = {.hash = upper(hash), .pack = pack, .position = position};
  bytes_ += entry.size;
  ++objects_;
}

// Keys shared by several packs make this more than is needed, never less.
void KeyTable::reserve(std::uint64_t objects) {
  const auto wanted = std::max<std::size_t>(std::bit_ceil(objects + (objects / 3) + 1), k_fewest_slots);
  if (wanted <= slots_.size()) {
    return;
  }
  auto old = std::move(slots_);
  slots_.assign(wanted, Slot{});
  for (const auto& slot : old) {
    if (slot.pack != 0) {
      const auto key = pack_of(slot).index.key_at(slot.position);
      slots_[slot_of(key, hash_of(key))] = slot;
    }
  }
}

// Where the key is, or the free slot where it belongs.
std::size_t KeyTable::slot_of(std::string_view key, std::uint64_t hash) const {
  const auto mask = slots_.size() - 1;
  auto at = static_cast<std::size_t>(hash) & mask;
  while (slots_[at].pack != 0 &&
         (slots_[at].hash != upper(hash) || pack_of(slots_[at]).index.key_at(slots_[at].position) != key)) {
    at = (at + 1) & mask;
  }
  return at;
}

std::optional<KeyTable::Found> KeyTable::find(std::string_view key) const {
  if (slots_.empty()) {
    return std::nullopt;
  }
  const auto& slot = slots_[slot_of(key, hash_of(key))];
  if (slot.pack == 0) {
    return std::nullopt;
  }
  return Found{.pack = &pack_of(slot), .position = slot.position};
}

void KeyTable::each(const std::function<void(const Found&)>& visit) const {
  for (const auto& slot : slots_) {
    if (slot.pack != 0) {
      visit({.pack = &pack_of(slot), .position = slot.position});
    }
  }
}

}  // namespace agent::publish
