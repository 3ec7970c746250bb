#include "agent/publish/table_uses.hpp"

#include <algorithm>
#include <optional>
#include <unordered_set>
#include <utility>

namespace agent::publish {

std::vector<UsedPack> uses_of(const KeyTable& table) {
  std::vector<UsedPack> used;
  for (const auto& scoped : table.packs()) {
    if (scoped.scope != 0) {
      continue;
    }
    const auto& pack = *scoped.pack;
    UsedPack one{.pack = pack.record.digest, .objects = {}};
    one.objects.reserve(pack.index.entries());
    pack.index.each([&](const store::PackEntry& entry) {
      one.objects.push_back(pack.used(pack.index.position_of(entry)));
    });
    if (std::ranges::find(one.objects, true) != one.objects.end()) {
      used.push_back(std::move(one));
    }
  }
  return used;
}

void carry_uses(const KeyTable& from, const KeyTable& to) {
  std::unordered_set<const LoadedPack*> kept;
  for (const auto& scoped : to.packs()) {
    kept.insert(scoped.pack.get());
  }
  for (const auto& scoped : from.packs()) {
    const auto& pack = *scoped.pack;
    if (kept.contains(&pack) || std::ranges::none_of(pack.uses, [](const auto& bits) { return bits != 0; })) {
      continue;
    }
    pack.index.each([&](const store::PackEntry& entry) {
      const auto found =
          pack.used(pack.index.position_of(entry)) ? to.find(entry.key) : std::optional<KeyTable::Found>();
      if (found) {
        found->pack->set_used(found->position);
      }
    });
  }
}

}  // namespace agent::publish
