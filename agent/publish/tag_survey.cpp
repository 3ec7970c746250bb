#include "agent/publish/tag_survey.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

namespace agent::publish {

TagSurvey::TagSurvey(const Manifest& manifest, const std::vector<ScopedPack>& packs,
                     const SurveyOptions& options)
    : today_(options.today) {
  const auto touches = touches_of(manifest);
  for (const auto& scoped : packs) {
    const auto& pack = *scoped.pack;
    const PackUse use(touches, pack.record);
    Objects objects{.pack = shares_.size(), .numbers = {}, .days = {}, .idle = {}};
    objects.numbers.resize(pack.marks.size() * 8);
    pack.index.each([&](const store::PackEntry& entry) {
      const auto position = pack.index.position_of(entry);
      const auto number = objects.days.size();
      const bool mine = pack.used(position);
      objects.numbers[LoadedPack::mark_of(position)] = static_cast<std::uint32_t>(number);
      objects.days.push_back(mine ? today_ : use.day(number));
      objects.idle.push_back(!mine && use.is_idle(number, today_));
    });
    objects_.emplace(&pack, std::move(objects));
    shares_.push_back({.record = pack.record});
  }
  table_.hold(packs);
  if (options.tag_bytes > 0 && touches.since > 0) {
    keep_to(options.tag_bytes);
  }
  count();
}

Day TagSurvey::day_of(const KeyTable::Found& object) const {
  const auto& objects = objects_.at(object.pack);
  return objects.days[objects.numbers[LoadedPack::mark_of(object.position)]];
}

bool TagSurvey::counts(const KeyTable::Found& object) const {
  const auto& objects = objects_.at(object.pack);
  const auto number = objects.numbers[LoadedPack::mark_of(object.position)];
  return !objects.idle[number] && objects.days[number] >= first_day_;
}

// Whole days go; the latest one stays, whatever its size.
void TagSurvey::keep_to(std::uint64_t tag_bytes) {
  std::map<Day, std::uint64_t, std::greater<>> bytes;
  table_.each([&](const KeyTable::Found& object) {
    if (counts(object)) {
      bytes[day_of(object)] += object.pack->index.at(object.position).size;
    }
  });
  const auto room = tag_bytes - (tag_bytes / 10);  // packs are more than their objects
  std::uint64_t total = 0;
  for (const auto& [day, size] : bytes) {
    total += size;
    if (total > room && first_day_ != 0) {
      return;
    }
    first_day_ = day;
  }
}

void TagSurvey::count() {
  table_.each([&](const KeyTable::Found& object) {
    if (!counts(object)) {
      return;
    }
    auto& share = shares_[objects_.at(object.pack).pack];
    ++share.live_objects;
    share.live_bytes += object.pack->index.at(object.position).size;
    share.last_used = std::max(share.last_used, day_of(object));
  });
}

std::vector<Day> TagSurvey::days_of(const std::vector<std::string>& keys, const TouchSet& touches) const {
  std::vector<Day> days;
  days.reserve(keys.size());
  for (const auto& key : keys) {
    const auto found = table_.find(key);
    if (!found) {
      days.push_back(today_);
      continue;
    }
    const auto& objects = objects_.at(found->pack);
    const auto number = objects.numbers[LoadedPack::mark_of(found->position)];
    const auto recorded = PackUse(touches, found->pack->record).day(number);
    days.push_back(std::max(recorded, found->pack->used(found->position) ? today_ : recorded));
  }
  return days;
}

}  // namespace agent::publish
