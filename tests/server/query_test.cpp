#include "agent/server/query.hpp"

#include <gtest/gtest.h>

namespace agent::server {
namespace {

using Kind = AskedRange::Kind;

void expect_range(std::string_view header, Kind kind, backends::Range range) {
  const auto asked = range_of(header, 10);
  EXPECT_EQ(asked.kind, kind) << header;
  EXPECT_EQ(asked.range.offset, range.offset) << header;
  EXPECT_EQ(asked.range.size, range.size) << header;
}

TEST(RangeOf, TakesOnePartOfTheBytes) {
  expect_range("bytes=0-0", Kind::part, {.offset = 0, .size = 1});
  expect_range("bytes=2-5", Kind::part, {.offset = 2, .size = 4});
  expect_range("Bytes= 2 - 5 ", Kind::part, {.offset = 2, .size = 4});
  expect_range("bytes=7-", Kind::part, {.offset = 7, .size = 3});
  expect_range("bytes=7-99", Kind::part, {.offset = 7, .size = 3});
  expect_range("bytes=-4", Kind::part, {.offset = 6, .size = 4});
  expect_range("bytes=-99", Kind::part, {.offset = 0, .size = 10});
}

TEST(RangeOf, SaysWhatLiesBeyondTheEnd) {
  expect_range("bytes=10-", Kind::unsatisfiable, {});
  expect_range("bytes=99-100", Kind::unsatisfiable, {});
  expect_range("bytes=-0", Kind::unsatisfiable, {});
}

TEST(RangeOf, IgnoresWhatIsNoSingleRange) {
  for (const auto* const header : {"", "bytes", "bytes=", "bytes=-", "bytes=5-2", "bytes=0-1,3-4", "rows=0-1",
                                   "bytes=a-b", "bytes=1-x", "bytes=99999999999999999999-"}) {
    expect_range(header, Kind::all, {.offset = 0, .size = 10});
  }
}

TEST(QueryText, FindsAndDecodesValues) {
  EXPECT_EQ(query_text("a=1&entries=x%2Cy+z&b", "entries"), "x,y z");
  EXPECT_EQ(query_text("a=1", "b"), "");
  EXPECT_EQ(query_text("a=%zz", "a"), "");
  EXPECT_TRUE(has_query("a&b=", "b"));
  EXPECT_TRUE(has_query("a&b=", "a"));
  EXPECT_FALSE(has_query("ab=1", "a"));
}

}  // namespace
}  // namespace agent::server
