#include "agent/core/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/result_matchers.hpp"

namespace agent {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using tests::FailsSaying;
using tests::FailsWith;

constexpr std::uint64_t k_kib = 1024;
constexpr std::uint64_t k_mib = k_kib * 1024;
constexpr std::uint64_t k_gib = k_mib * 1024;

TEST(Trimmed, TakesBlanksFromBothEndsOnly) {
  EXPECT_EQ(trimmed(" \t a b\r\n"), "a b");
  EXPECT_EQ(trimmed(" \r\n"), "");
  EXPECT_EQ(trimmed(""), "");
}

TEST(Lowered, ChangesAsciiLettersOnly) {
  EXPECT_EQ(lowered("AbZ[@1Ä"), "abz[@1Ä");
}

TEST(Split, KeepsEmptyParts) {
  EXPECT_THAT(split("a,,b,", ','), ElementsAre("a", "", "b", ""));
  EXPECT_THAT(split("", ','), ElementsAre(""));
  EXPECT_THAT(split("abc", ','), ElementsAre("abc"));
}

TEST(EqualsIgnoringCase, ComparesWholeTexts) {
  EXPECT_TRUE(equals_ignoring_case("Content-Length", "content-LENGTH"));
  EXPECT_FALSE(equals_ignoring_case("Content-Length", "content-lengt"));
  EXPECT_FALSE(equals_ignoring_case("a", "b"));
  EXPECT_TRUE(equals_ignoring_case("", ""));
}

TEST(ParseBool, TakesTheWordsPeopleUse) {
  for (const auto* yes : {"true", "YES", " on ", "1", "True"}) {
    EXPECT_EQ(parse_bool(yes, "test"), true) << yes;
  }
  for (const auto* no : {"false", "No", "off", "0"}) {
    EXPECT_EQ(parse_bool(no, "test"), false) << no;
  }
}

TEST(ParseBool, NamesWhatItRefuses) {
  for (const auto* bad : {"", "2", "y", "truee", "t", "nope"}) {
    EXPECT_THAT(parse_bool(bad, "fail-on-miss"), FailsWith(Errc::invalid)) << bad;
  }
  EXPECT_THAT(parse_bool("maybe", "fail-on-miss"), FailsSaying("fail-on-miss: 'maybe'"));
}

TEST(ParseNumber, TakesWholeNumbersUpTo64Bits) {
  EXPECT_EQ(parse_number("0", "n"), 0U);
  EXPECT_EQ(parse_number(" 42 ", "n"), 42U);
  EXPECT_EQ(parse_number("18446744073709551615", "n"), std::numeric_limits<std::uint64_t>::max());
}

TEST(ParseNumber, RefusesWhatIsNoWholeNumber) {
  for (const auto* bad : {"", " ", "-1", "+1", "1.5", "1e3", "0x10", "12a", "1 2", "18446744073709551616"}) {
    EXPECT_THAT(parse_number(bad, "n"), FailsWith(Errc::invalid)) << bad;
  }
}

TEST(ParseSize, KnowsBinaryAndDecimalUnits) {
  const std::vector<std::pair<std::string_view, std::uint64_t>> cases = {
      {"0", 0},
      {"1073741824", k_gib},
      {"10GiB", 10 * k_gib},
      {"10 gib", 10 * k_gib},
      {"500 MB", 500'000'000},
      {"64K", 64 * k_kib},
      {"64kB", 64'000},
      {"1.5GiB", 3 * k_gib / 2},
      {"2T", 2 * 1024 * k_gib},
      {"7b", 7},
      {" 3M ", 3 * k_mib},
  };
  for (const auto& [text, bytes] : cases) {
    EXPECT_EQ(parse_size(text, "max-size"), bytes) << text;
  }
}

TEST(ParseSize, RefusesWhatIsNoSize) {
  for (const auto* bad : {"", "GiB", "-1", "10 G iB", "1e3", "inf", "nan", "infinity", "10PiB", "1,5G",
                          "9999999999GiB", ".", "0x10", "1..2"}) {
    EXPECT_THAT(parse_size(bad, "max-size"), FailsWith(Errc::invalid)) << bad;
  }
  EXPECT_THAT(parse_size("lots", "max-size"), FailsSaying("max-size: 'lots'"));
}

TEST(ParseDuration, TakesABareNumberAsSeconds) {
  const std::vector<std::pair<std::string_view, std::chrono::milliseconds>> cases = {
      {"0", 0ms},      {"90", 90s},    {"250ms", 250ms}, {"90s", 90s},    {"5m", 5min},
      {"5 min", 5min}, {"2h", 120min}, {"1d", 24h},      {"0.5s", 500ms}, {"1.5 H", 90min},
  };
  for (const auto& [text, duration] : cases) {
    EXPECT_EQ(parse_duration(text, "preload"), duration) << text;
  }
}

TEST(ParseDuration, RefusesWhatIsNoDuration) {
  for (const auto* bad : {"", "s", "-1s", "1 week", "1y", "1h30m", "inf", "99999999999999d"}) {
    EXPECT_THAT(parse_duration(bad, "preload"), FailsWith(Errc::invalid)) << bad;
  }
  EXPECT_THAT(parse_duration("soon", "preload"), FailsSaying("preload: 'soon'"));
}

TEST(HumanSize, PicksTheLargestUnitThatRoundsToOneOrMore) {
  const std::vector<std::pair<std::uint64_t, std::string_view>> cases = {
      {0, "0 B"},
      {980, "980 B"},
      {1023, "1023 B"},
      {1024, "1.0 KiB"},
      {12'897'485, "12.3 MiB"},
      {k_mib - 1, "1.0 MiB"},
      {k_gib - 1, "1.0 GiB"},
      {5 * 1024 * k_gib, "5.0 TiB"},
      {5000 * 1024 * k_gib, "5000.0 TiB"},
  };
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(human_size(bytes), text) << bytes;
  }
}

TEST(HumanDuration, RollsOverWhereRoundingDoes) {
  const std::vector<std::pair<std::chrono::nanoseconds, std::string_view>> cases = {
      {0ns, "0 µs"},           {42us, "42 µs"},     {999'600ns, "1.0 ms"},    {2'750us, "2.8 ms"},
      {9'960us, "10 ms"},      {420ms, "420 ms"},   {999'600us, "1.0 s"},     {3'210ms, "3.2 s"},
      {59'960ms, "1 min 0 s"}, {125s, "2 min 5 s"}, {119'600ms, "2 min 0 s"}, {2h, "120 min 0 s"},
  };
  for (const auto& [duration, text] : cases) {
    EXPECT_EQ(human_duration(duration), text) << duration.count();
  }
}

TEST(HumanCount, GroupsThousands) {
  EXPECT_EQ(human_count(0), "0");
  EXPECT_EQ(human_count(999), "999");
  EXPECT_EQ(human_count(1000), "1,000");
  EXPECT_EQ(human_count(1'234'567), "1,234,567");
  EXPECT_EQ(human_count(123'456), "123,456");
}

TEST(UtcText, IsRfc3339InWholeSeconds) {
  using std::chrono::system_clock;
  EXPECT_EQ(utc_text(system_clock::time_point{}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(utc_text(system_clock::time_point{1'795'272'747s + 999ms}), "2026-11-21T14:52:27Z");
  EXPECT_EQ(utc_text(system_clock::time_point{951'782'400s}), "2000-02-29T00:00:00Z");
}

}  // namespace
}  // namespace agent
