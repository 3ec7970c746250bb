#include "agent/app/live.hpp"

#include <algorithm>
#include <iterator>

namespace agent::app {

namespace {

constexpr double k_milliseconds = 1000;

io::Json publishing_json(const publish::PublisherFigures& publishing) {
  return io::JsonObject{{"state", publish::name_of(publishing.now)},
                        {"in_flight", publishing.in_flight},
                        {"flushes", publishing.flushes},
                        {"bytes", publishing.bytes_published},
                        {"error", publishing.last_error}};
}

}  // namespace

Live::Live(LiveSources sources)
    : sources_(sources),
      started_ms_(now_ms()),
      events_({}, {.greeting = [this] { return whole_event(); }, .next = [this] { return event(); }},
              sources.registry) {}

std::int64_t Live::now_ms() const {
  return static_cast<std::int64_t>(milliseconds_of(sources_.clock.wall()));
}

void Live::sample() {
  const auto now = now_ms();
  if (timeline_.with([&](const report::Timeline& timeline) { return timeline.wants(now); })) {
    const auto point = report::point_of(sources_.status.figures(), now);
    timeline_.with([&](report::Timeline& timeline) { timeline.add(point); });
  }
}

// All but the timeline.
report::Activity Live::present() const {
  report::Activity activity;
  if (const auto* latency = sources_.registry.find_histogram("hearth_hit_seconds")) {
    std::ranges::transform(latency->buckets(), std::back_inserter(activity.latency), [](const auto& bucket) {
      return report::LatencyBucket{.up_to_ms = bucket.up_to_seconds * k_milliseconds, .count = bucket.count};
    });
  }
  std::ranges::transform(sources_.requests.recent_misses(), std::back_inserter(activity.misses),
                         [](const auto& miss) {
                           return report::MissedKey{.number = miss.number,
                                                    .key = fmt::format("{:016x}", miss.key),
                                                    .reason = std::string(cache::name_of(miss.outcome))};
                         });
  return activity;
}

report::Activity Live::activity() const {
  auto activity = present();
  auto timeline = timeline_.with([](const report::Timeline& kept) { return kept; });
  timeline.end(report::point_of(sources_.status.figures(), now_ms()));
  activity.timeline = timeline.points();
  return activity;
}

io::JsonObject Live::moment(const report::Figures& figures) const {
  return {{"started_ms", started_ms_},
          {"at_ms", now_ms()},
          {"figures", report::to_json(figures)},
          {"publishing", publishing_json(sources_.publisher.figures())}};
}

std::string Live::whole_event() const {
  auto whole = moment(sources_.status.figures());
  whole.emplace("activity", report::to_json(activity()));
  return net::event_text("run", io::Json(std::move(whole)).dump());
}

std::string Live::event() const {
  const auto figures = sources_.status.figures();
  auto now = moment(figures);
  auto activity = present();
  activity.timeline = {report::point_of(figures, now_ms())};
  now.emplace("activity", report::to_json(activity));
  return net::event_text("now", io::Json(std::move(now)).dump());
}

}  // namespace agent::app
