#include "agent/report/amounts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace agent::report {
namespace {

constexpr auto k_most = std::numeric_limits<std::uint64_t>::max();

TEST(Amounts, SayWhenNothingWasMeasured) {
  EXPECT_EQ(count_text(std::nullopt), "not measured");
  EXPECT_EQ(size_text(std::nullopt), "not measured");
  EXPECT_EQ(milliseconds_text(std::nullopt), "not measured");
  EXPECT_EQ(seconds_text(std::nullopt), "not measured");
  EXPECT_EQ(rate_text(0, 0), std::nullopt);
}

TEST(Amounts, NeverRoundUpToAllOrDownToNone) {
  EXPECT_EQ(rate_text(412, 0), "100 %");
  EXPECT_EQ(rate_text(99999, 1), "99.9 %");
  EXPECT_EQ(rate_text(k_most / 2, 1), "99.9 %");
  EXPECT_EQ(rate_text(1, 99999), "under 0.1 %");
  EXPECT_EQ(rate_text(0, 5), "0 %");
  EXPECT_EQ(rate_text(360, 52), "87.3 %");
}

TEST(Amounts, GiveDurationsTheirUnit) {
  EXPECT_EQ(milliseconds_text(0.754), "0.75 ms");
  EXPECT_EQ(milliseconds_text(2.75), "2.8 ms");
  EXPECT_EQ(milliseconds_text(42.4), "42 ms");
  EXPECT_EQ(milliseconds_text(1300), "1.3 s");
  EXPECT_EQ(seconds_text(184.0), "3 min 4 s");
  EXPECT_EQ(seconds_text(0), "0 s");
}

TEST(Amounts, SurviveAbsurdNumbers) {
  EXPECT_EQ(seconds_text(std::nan("")), "not measured");
  EXPECT_EQ(milliseconds_text(std::numeric_limits<double>::infinity()), "not measured");
  EXPECT_EQ(seconds_text(-1e300), "0 s");
  EXPECT_EQ(seconds_text(1e300), "16666666 min 40 s");
  EXPECT_EQ(milliseconds_text(-3.0), "0.00 ms");
  EXPECT_EQ(total_of({{"a", k_most}, {"b", 2}}), k_most);
}

TEST(Amounts, CountInWords) {
  EXPECT_EQ(counted(1, "object"), "1 object");
  EXPECT_EQ(counted(1234, "object"), "1,234 objects");
  EXPECT_EQ(times(1), "once");
  EXPECT_EQ(times(2), "twice");
  EXPECT_EQ(times(0), "0 times");
}

TEST(Amounts, RankByCountThenName) {
  EXPECT_EQ(ranked_text({{"b", 2}, {"a", 2}, {"c", 7}, {"d", 1}}, 3), "c 7, a 2, b 2 and 1 more");
  EXPECT_EQ(ranked_text({{"read-only", 52}}, 3), "read-only");
  EXPECT_EQ(ranked_text({}, 3), "");
}

TEST(PublishedText, ClaimsNoShareOfWhatAnEarlierRunLeft) {
  EXPECT_EQ(published_text(33, 1040), "33 of 1,040 stored");
  EXPECT_EQ(published_text(0, 0), "0 of 0 stored");
  EXPECT_EQ(published_text({}, 5), "not measured of 5 stored");
  EXPECT_EQ(published_text(5, 0), "5, some of them left by an earlier run; 0 stored");
}

}  // namespace
}  // namespace agent::report
