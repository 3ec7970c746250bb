#include "agent/publish/pending_objects.hpp"

#include <utility>

namespace agent::publish {

void PendingObjects::add(std::string key, store::Stored object, Steady now) {
  last_added_ = now;
  bytes_ += object.slice.size;
  const auto [known, fresh] = numbers_.try_emplace(key, next_number_);
  if (fresh) {
    objects_.emplace(next_number_,
                     PendingObject{.number = next_number_,
                                   .added = now,
                                   .item = {.key = std::move(key), .object = std::move(object)}});
    ++next_number_;
    return;
  }
  auto& pending = objects_.at(known->second);
  bytes_ -= pending.item.object.slice.size;
  pending.item.object = std::move(object);
}

std::vector<PendingObject> PendingObjects::take(const Limit& limit) {
  std::vector<PendingObject> taken;
  std::uint64_t bytes = 0;
  while (!objects_.empty() && taken.size() < limit.objects) {
    auto first = objects_.begin();
    bytes += first->second.item.object.slice.size;
    if (bytes > limit.bytes && !taken.empty()) {
      break;
    }
    bytes_ -= first->second.item.object.slice.size;
    numbers_.erase(first->second.item.key);
    taken.push_back(std::move(first->second));
    objects_.erase(first);
  }
  return taken;
}

void PendingObjects::put_back(std::vector<PendingObject> objects) {
  for (auto& pending : objects) {
    if (numbers_.try_emplace(pending.item.key, pending.number).second) {
      bytes_ += pending.item.object.slice.size;
      objects_.emplace(pending.number, std::move(pending));
    }
  }
}

}  // namespace agent::publish
