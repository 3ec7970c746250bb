#include "agent/report/activity.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/result_matchers.hpp"

namespace agent::report {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TimelinePoint at(std::int64_t ms) {
  return {.at_ms = ms, .hits = static_cast<std::uint64_t>(ms)};
}

TEST(Timeline, TakesAPointASecond) {
  Timeline timeline;

  for (const std::int64_t ms : {0, 500, 1'000, 1'999, 2'000}) {
    timeline.add(at(ms));
  }

  EXPECT_THAT(timeline.points(), ElementsAre(at(0), at(1'000), at(2'000)));
}

TEST(Timeline, OfALongRunKeepsEvenlySpacedPointsFromItsBeginning) {
  Timeline timeline;
  constexpr std::int64_t k_hour_ms = 3'600'000;

  for (std::int64_t ms = 0; ms <= k_hour_ms; ms += 500) {
    timeline.add(at(ms));
  }

  const auto& points = timeline.points();
  EXPECT_LE(points.size(), Timeline::k_most);
  EXPECT_GE(points.size(), Timeline::k_most / 2);
  EXPECT_EQ(points.front(), at(0));
  EXPECT_GE(points.back().at_ms, k_hour_ms - (points[1].at_ms - points[0].at_ms));
  for (std::size_t i = 2; i < points.size(); ++i) {
    EXPECT_EQ(points[i].at_ms - points[i - 1].at_ms, points[1].at_ms - points[0].at_ms);
  }
}

TEST(Timeline, EndsWithTheLastMoment) {
  Timeline timeline;
  timeline.add(at(0));
  timeline.end(at(300));
  timeline.end({.at_ms = 300, .hits = 9});

  EXPECT_THAT(timeline.points(), ElementsAre(at(0), TimelinePoint{.at_ms = 300, .hits = 9}));
}

TEST(Activity, SurvivesJson) {
  const Activity activity{.timeline = {{.at_ms = 5,
                                        .hits = 1,
                                        .misses = 2,
                                        .stores = 3,
                                        .read_bytes = 4,
                                        .written_bytes = 5,
                                        .published = 6,
                                        .pending = 7}},
                          .latency = {{.up_to_ms = 0.25, .count = 3}, {.up_to_ms = 1.5, .count = 1}},
                          .misses = {{.number = 2, .key = "00000000000000ff", .reason = "absent"}}};

  const auto parsed = io::parse_json(to_json(activity).dump(), "activity");

  ASSERT_THAT(parsed, agent::tests::Succeeds());
  EXPECT_EQ(activity_from(*parsed), activity);
}

TEST(Activity, LeavesOutWhatIsOfTheWrongShape) {
  const auto json = io::parse_json(
      R"({"timeline":[[1,2],"x",[1,2,3,4,5,6,7,8],[1,-2,3,4,5,6,7,8]],"latency":[[1],["a",2],[0.5,2]],)"
      R"("misses":[{"key":"k"},7,{"number":1,"key":"k","reason":"r"}]})",
      "activity");
  ASSERT_THAT(json, agent::tests::Succeeds());

  const auto activity = activity_from(*json);

  EXPECT_THAT(activity.timeline, SizeIs(2));
  EXPECT_EQ(activity.timeline[1].hits, 0U);
  EXPECT_THAT(activity.latency, ElementsAre(LatencyBucket{.up_to_ms = 0.5, .count = 2}));
  EXPECT_THAT(activity.misses, SizeIs(1));
  EXPECT_THAT(activity_from(io::Json()).timeline, IsEmpty());
}

TEST(Activity, CountsCompilationsWhereLookupsAreUnknown) {
  Figures figures;
  figures.hits = 3;
  figures.misses = 1;
  EXPECT_EQ(point_of(figures, 7).hits, 3U);

  figures.lookups_hit = 10;
  figures.lookups_missed = 0;
  EXPECT_EQ(point_of(figures, 7).hits, 10U);
  EXPECT_EQ(point_of(figures, 7).misses, 0U);
}

}  // namespace
}  // namespace agent::report
