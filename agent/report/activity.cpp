#include "agent/report/activity.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace agent::report {

namespace {

constexpr std::size_t k_most_items = 1'000;
constexpr std::size_t k_most_text = 64;

// The members of a point beyond its time, in the order in which they are written.
constexpr std::array k_counts = {&TimelinePoint::hits,          &TimelinePoint::misses,
                                 &TimelinePoint::stores,        &TimelinePoint::read_bytes,
                                 &TimelinePoint::written_bytes, &TimelinePoint::published,
                                 &TimelinePoint::pending};

io::Json point_json(const TimelinePoint& point) {
  io::JsonArray numbers{point.at_ms};
  for (const auto count : k_counts) {
    numbers.emplace_back(point.*count);
  }
  return numbers;
}

std::optional<TimelinePoint> point_from(const io::Json& json) {
  const auto* numbers = json.array();
  if (numbers == nullptr || numbers->size() < k_counts.size() + 1) {
    return std::nullopt;
  }
  TimelinePoint point{.at_ms = (*numbers)[0].integer().value_or(0)};
  for (std::size_t i = 0; i < k_counts.size(); ++i) {
    point.*k_counts.at(i) = (*numbers)[i + 1].count().value_or(0);
  }
  return point;
}

std::optional<LatencyBucket> bucket_from(const io::Json& json) {
  const auto* pair = json.array();
  if (pair == nullptr || pair->size() != 2) {
    return std::nullopt;
  }
  const auto up_to = (*pair)[0].number();
  const auto count = (*pair)[1].count();
  return up_to && count ? std::optional(LatencyBucket{.up_to_ms = *up_to, .count = *count}) : std::nullopt;
}

std::optional<MissedKey> miss_from(const io::Json& json) {
  MissedKey miss{.number = json["number"].count().value_or(0),
                 .key = json.text("key").substr(0, k_most_text),
                 .reason = json.text("reason").substr(0, k_most_text)};
  return miss.number > 0 ? std::optional(std::move(miss)) : std::nullopt;
}

template <typename Parse>
auto list_from(const io::Json& json, Parse parse) {
  std::vector<typename decltype(parse(json))::value_type> list;
  const auto* items = json.array();
  for (std::size_t i = 0; items != nullptr && i < std::min(items->size(), k_most_items); ++i) {
    if (auto item = parse((*items)[i])) {
      list.push_back(*std::move(item));
    }
  }
  return list;
}

}  // namespace

TimelinePoint point_of(const Figures& figures, std::int64_t at_ms) {
  const bool lookups = figures.lookups_hit.has_value();
  return {.at_ms = at_ms,
          .hits = (lookups ? figures.lookups_hit : figures.hits).value_or(0),
          .misses = (lookups ? figures.lookups_missed : figures.misses).value_or(0),
          .stores = figures.stores.value_or(0),
          .read_bytes = figures.bytes_read.value_or(0),
          .written_bytes = figures.bytes_written.value_or(0),
          .published = figures.published.value_or(0),
          .pending = figures.pending.value_or(0)};
}

bool Timeline::wants(std::int64_t at_ms) const {
  return points_.empty() || at_ms - points_.back().at_ms >= interval_ms_;
}

void Timeline::add(const TimelinePoint& point) {
  if (!wants(point.at_ms)) {
    return;
  }
  points_.push_back(point);
  if (points_.size() > k_most) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < points_.size(); i += 2) {
      points_[kept++] = points_[i];
    }
    points_.resize(kept);
    interval_ms_ *= 2;
  }
}

void Timeline::end(const TimelinePoint& point) {
  if (!points_.empty() && point.at_ms <= points_.back().at_ms) {
    points_.pop_back();
  }
  points_.push_back(point);
}

io::Json to_json(const Activity& activity) {
  io::JsonArray timeline;
  std::ranges::transform(activity.timeline, std::back_inserter(timeline), point_json);
  io::JsonArray latency;
  for (const auto& bucket : activity.latency) {
    latency.emplace_back(io::JsonArray{bucket.up_to_ms, bucket.count});
  }
  io::JsonArray misses;
  for (const auto& miss : activity.misses) {
    misses.emplace_back(io::JsonObject{{"number", miss.number}, {"key", miss.key}, {"reason", miss.reason}});
  }
  return io::JsonObject{
      {"timeline", std::move(timeline)}, {"latency", std::move(latency)}, {"misses", std::move(misses)}};
}

Activity activity_from(const io::Json& json) {
  return {.timeline = list_from(json["timeline"], point_from),
          .latency = list_from(json["latency"], bucket_from),
          .misses = list_from(json["misses"], miss_from)};
}

}  // namespace agent::report
