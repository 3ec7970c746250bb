#include "agent/report/live.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agent::report {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

Moment moment(std::chrono::seconds at, std::uint64_t hits, std::uint64_t misses) {
  Figures figures;
  figures.tag = "rust";
  figures.generation = 7;
  figures.backend = "disk:///srv";
  figures.mode = "read-write";
  figures.phase = "ready";
  figures.lookups_hit = hits;
  figures.lookups_missed = misses;
  figures.stores = misses;
  figures.pending = 3;
  figures.miss_reasons = {{"absent", misses}};
  return {.at = std::chrono::steady_clock::time_point(at), .figures = figures};
}

std::size_t widest(const std::string& screen) {
  std::size_t most = 0;
  std::size_t width = 0;
  for (const char c : screen) {
    width = c == '\n' ? 0 : width + ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0);
    most = std::max(most, width);
  }
  return most;
}

TEST(LiveScreen, ShowsHitsRatesAndWhatWaits) {
  const Moments moments{moment(0s, 0, 0), moment(2s, 30, 10)};
  const auto screen = live_screen(moments, 100);
  EXPECT_THAT(screen, HasSubstr("rust, generation 7 (read-write, ready)"));
  EXPECT_THAT(screen, HasSubstr("75.0 %"));
  EXPECT_THAT(screen, HasSubstr("15/s"));
  EXPECT_THAT(screen, HasSubstr("5/s"));
  EXPECT_THAT(screen, HasSubstr("3 pending"));
  EXPECT_THAT(screen, HasSubstr("absent"));
}

TEST(LiveScreen, OfARunThatEndedShowsItsMeanRates) {
  const auto figures = moment(0s, 300, 100).figures;
  std::vector<TimelinePoint> timeline;
  for (std::int64_t second = 0; second <= 100; ++second) {
    timeline.push_back({.at_ms = second * 1'000, .hits = static_cast<std::uint64_t>(second * 3)});
  }

  const auto screen = live_screen(moments_of(figures, timeline), 100);

  EXPECT_THAT(screen, HasSubstr("(read-write, ended)"));
  EXPECT_THAT(screen, HasSubstr("3/s "));
  EXPECT_THAT(screen, HasSubstr("████████████████████████████████████████"));
  EXPECT_THAT(live_screen(moments_of(figures, {}), 100), HasSubstr("75.0 %"));
}

TEST(LiveScreen, FitsItsColumns) {
  Moments moments;
  for (int i = 0; i < 200; ++i) {
    moments.push_back(moment(std::chrono::seconds(i), static_cast<std::uint64_t>(i) * 7, 5));
  }
  moments.back().figures.backend = std::string(500, 'x');
  moments.back().figures.notes = {std::string(500, 'n')};
  for (const std::size_t columns : {40U, 80U, 200U}) {
    EXPECT_LE(widest(live_screen(moments, columns)), columns);
  }
}

TEST(LiveScreen, QuotesOutsideNamesPlainly) {
  Moments moments{moment(0s, 0, 0)};
  moments.back().figures.tag = "a\x1b[31mb\n";
  EXPECT_THAT(live_screen(moments, 80), Not(HasSubstr("\x1b")));
}

TEST(LiveScreen, OfACountThatFellShowsNoRate) {
  const Moments moments{moment(0s, 100, 0), moment(1s, 1, 0)};
  EXPECT_THAT(live_screen(moments, 80), HasSubstr("0/s"));
}

TEST(LiveScreen, WithoutMomentsWaits) {
  EXPECT_EQ(live_screen({}, 80), "waiting for the agent\n");
  EXPECT_EQ(live_line({}), "waiting for the agent\n");
}

TEST(LiveLine, HasTheSameInOneLine) {
  const auto line = live_line({moment(0s, 0, 0), moment(2s, 30, 10)});
  EXPECT_THAT(line, HasSubstr("30 hits (75.0 %), 20 lookups/s"));
  EXPECT_EQ(std::ranges::count(line, '\n'), 1);
}

}  // namespace
}  // namespace agent::report
