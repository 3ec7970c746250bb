// Taking single objects out of a tag.
#include <algorithm>
#include <utility>

#include "agent/publish/catalog.hpp"
#include "agent/publish/key_table.hpp"
#include "agent/publish/tag_head.hpp"

namespace agent::publish {

namespace {

Result<KeyTable> table_of(backends::ObjectStorage& storage, PackCache& packs, const Manifest& manifest) {
  std::vector<ScopedPack> loaded;
  const auto removed = shared_removed(manifest);
  for (const auto& record : manifest.packs) {
    auto pack = packs.load(storage, record);
    if (pack) {
      loaded.push_back({.scope = 0, .pack = *std::move(pack), .removed = removed});
    } else if (pack.error().code != Errc::not_found && pack.error().code != Errc::corrupt) {
      return std::unexpected(std::move(pack).error());
    }
  }
  KeyTable table;
  table.hold(loaded);
  return table;
}

void remove(Manifest& manifest, RemovedKey key) {
  const auto place = std::ranges::lower_bound(manifest.removed, key.key, {}, &RemovedKey::key);
  if (place != manifest.removed.end() && place->key == key.key) {
    *place = std::move(key);
  } else {
    manifest.removed.insert(place, std::move(key));
  }
}

// What the tag has of the keys, and has not; each once.
RemovedObjects sorted_out(const KeyTable& table, std::vector<std::string> keys) {
  std::ranges::sort(keys);
  keys.erase(std::ranges::unique(keys).begin(), keys.end());
  RemovedObjects objects;
  for (auto& key : keys) {
    (table.find(key) ? objects.removed : objects.absent).push_back(std::move(key));
  }
  return objects;
}

}  // namespace

Result<RemovedObjects> remove_objects(backends::ObjectStorage& storage, const Clock& clock, const TagId& id,
                                      const std::vector<std::string>& keys) {
  constexpr int k_tries = 8;
  PackCache packs;
  for (int tries = 1;; ++tries) {
    AGENT_TRY(const auto head, read_head(storage, id));
    if (!head.version) {
      return fail(Errc::not_found, "there is no tag {} of {} in {}", id.tag, id.repository, id.scope);
    }
    AGENT_TRY(const auto table, table_of(storage, packs, head.manifest));
    auto objects = sorted_out(table, keys);
    if (objects.removed.empty()) {
      return objects;
    }
    const auto step = step_after(head, clock);
    auto next = merged(head.manifest, {}, step);
    for (const auto& key : objects.removed) {
      remove(next, {.key = key, .generation = head.generation, .removed_ms = step.now_ms});
    }
    if (next.removed.size() > k_most_removed_keys) {
      return fail(Errc::full,
                  "tag {}: more than {} objects are removed and not compacted away; remove the tag", id.tag,
                  k_most_removed_keys);
    }
    const auto swapped = replace_head(storage, id, head, next);
    if (swapped) {
      return objects;
    }
    if ((swapped.error().code != Errc::conflict && !is_ambiguous(swapped.error().code)) || tries == k_tries) {
      return std::unexpected(swapped.error());
    }
  }
}

}  // namespace agent::publish
