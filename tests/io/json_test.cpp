#include "agent/io/json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/result_matchers.hpp"

namespace agent::io {
namespace {

using tests::FailsSaying;
using tests::FailsWith;

// The canonical text of what was parsed, or the error.
std::string reparsed(std::string_view text) {
  const auto json = parse_json(text, "test");
  return json ? json->dump() : json.error().message;
}

TEST(ParseJson, TakesEveryKindOfValueAtTheTop) {
  for (const auto* text : {"null", "true", "false", "0", "-7", "1.5", "\"text\"", "[]", "{}"}) {
    EXPECT_EQ(reparsed(text), text);
  }
  EXPECT_EQ(reparsed(" \t\r\n[ 1 , { \"a\" : null } ]\n"), "[1,{\"a\":null}]");
}

TEST(ParseJson, TakesNothingThatTheRfcDoesNot) {
  const std::vector<std::string_view> bad = {"",
                                             "  ",
                                             "{}x",
                                             "1 2",
                                             "1,2",
                                             "[1,]",
                                             "{\"a\":1,}",
                                             "[,]",
                                             "[1,,2]",
                                             "[1 2]",
                                             "{a:1}",
                                             "{1:2}",
                                             "{\"a\"}",
                                             R"({"a":1 "b":2})",
                                             "]",
                                             "}",
                                             "[",
                                             "{",
                                             "//c\n1",
                                             "/**/1",
                                             "1//c",
                                             "'a'",
                                             "NaN",
                                             "Infinity",
                                             "-",
                                             "+1",
                                             "01",
                                             "-01",
                                             "1.",
                                             ".5",
                                             "1e",
                                             "0x10",
                                             "1_000",
                                             "True",
                                             "nul",
                                             "truex",
                                             "\"abc",
                                             R"("\x41")",
                                             R"("\u12")",
                                             "\"a\nb\"",
                                             "\"a\tb\"",
                                             "\f1",
                                             "\xEF\xBB\xBF{}",
                                             "1][2",
                                             "],[",
                                             R"("\ud800")",
                                             R"("\udc00")",
                                             "[1]]",
                                             "undefined",
                                             R"("a" "b")"};
  for (const auto text : bad) {
    EXPECT_THAT(parse_json(text, "test"), FailsWith(Errc::invalid)) << text;
  }
}

TEST(ParseJson, TakesNoBytesThatAreNotUtf8) {
  for (const auto* text : {"\"\x80\"", "\"\xC0\x80\"", "\"\xED\xA0\x80\"", "\"\xF4\x90\x80\x80\"",
                           "\"\xE2\x82\"", "{\"\xFF\":1}"}) {
    EXPECT_THAT(parse_json(text, "test"), FailsWith(Errc::invalid));
  }
  EXPECT_EQ(reparsed("\"\xF0\x9F\x98\x80\\ud83d\\ude00\\u00e9\""),
            "\"\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xC3\xA9\"");
}

TEST(ParseJson, TakesZeroBytesOnlyEscaped) {
  EXPECT_THAT(parse_json(std::string_view("1\0", 2), "test"), FailsWith(Errc::invalid));
  EXPECT_THAT(parse_json(std::string_view("\"a\0b\"", 5), "test"), FailsWith(Errc::invalid));
  EXPECT_EQ(*parse_json("\"a\\u0000b\"", "test")->string(), std::string("a\0b", 3));
}

TEST(ParseJson, NamesWhatItReadInPrintableText) {
  EXPECT_THAT(parse_json("{]", "sccache's statistics"), FailsSaying("sccache's statistics: not JSON"));
  for (const auto text :
       {std::string_view("[1\0", 3), std::string_view("\x1b[31m"), std::string_view("\xFF")}) {
    const auto parsed = parse_json(text, "test");
    ASSERT_THAT(parsed, FailsWith(Errc::invalid));
    for (const char c : parsed.error().message) {
      EXPECT_TRUE(c >= ' ' && c <= '~') << parsed.error().message;
    }
  }
}

TEST(ParseJson, KeepsIntegersExactlyToTheirEdges) {
  EXPECT_EQ(parse_json("9223372036854775807", "n")->integer(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(parse_json("-9223372036854775808", "n")->integer(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(parse_json("9007199254740993", "n")->integer(), 9007199254740993);
  EXPECT_EQ(parse_json("-0", "n")->integer(), 0);
}

TEST(ParseJson, RefusesNumbersThatFitNothing) {
  for (const auto* text : {"18446744073709551616", "-9223372036854775809", "[1, 99999999999999999999999999]",
                           "{\"a\":-18446744073709551616}", "1e400", "-1e400"}) {
    EXPECT_THAT(parse_json(text, "test"), FailsWith(Errc::invalid)) << text;
  }
  // Digits within strings are no numbers.
  EXPECT_EQ(reparsed(R"(["\"99999999999999999999999999",1])"), R"(["\"99999999999999999999999999",1])");
}

TEST(ParseJson, HoldsLargeUnsignedNumbersAsDoublesAndSaysSo) {
  const auto number = *parse_json("18446744073709551615", "n");
  EXPECT_FALSE(number.integer().has_value());
  EXPECT_FALSE(number.count().has_value());
  EXPECT_EQ(number.number(), 18446744073709551615.0);
}

TEST(ParseJson, ReadsFractionsAndExponents) {
  EXPECT_EQ(parse_json("1.5e3", "n")->number(), 1500.0);
  EXPECT_EQ(parse_json("1E+2", "n")->number(), 100.0);
  EXPECT_EQ(parse_json("0.1", "n")->number(), 0.1);
  EXPECT_EQ(parse_json("123456789012345678901234567890.5", "n")->number(), 123456789012345678901234567890.5);
  EXPECT_FALSE(parse_json("1.0", "n")->integer().has_value());
}

TEST(ParseJson, TakesTheLastOfMembersWithOneName) {
  EXPECT_EQ(reparsed(R"({"a":1,"b":2,"a":3})"), R"({"a":3,"b":2})");
}

TEST(ParseJson, StopsAtItsLimits) {
  EXPECT_THAT(parse_json("[1,2,3]", "test", {.bytes = 6}), FailsWith(Errc::invalid));
  EXPECT_EQ(parse_json("[1,2,3]", "test", {.bytes = 7})->dump(), "[1,2,3]");

  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']');
  };
  EXPECT_EQ(reparsed(nested(64)), nested(64));
  EXPECT_THAT(parse_json(nested(65), "test"), FailsWith(Errc::invalid));
  EXPECT_THAT(parse_json(nested(4), "test", {.depth = 3}), FailsWith(Errc::invalid));
  EXPECT_EQ(parse_json(nested(3), "test", {.depth = 3})->dump(), nested(3));
}

TEST(ParseJson, SurvivesDepthBombs) {
  EXPECT_THAT(parse_json(std::string(1'000'000, '['), "test"), FailsWith(Errc::invalid));
  std::string objects;
  for (int i = 0; i < 200'000; ++i) {
    objects += "{\"a\":";
  }
  EXPECT_THAT(parse_json(objects, "test"), FailsWith(Errc::invalid));
}

TEST(JsonDump, SortsKeysSoThatEqualValuesGiveEqualText) {
  const auto one = *parse_json(R"({"b":[1,2],"a":{"d":1,"c":2},"":0})", "test");
  const auto other = *parse_json(R"({ "" : 0, "a": {"c":2,"d":1}, "b":[1,2] })", "test");

  EXPECT_EQ(one, other);
  EXPECT_EQ(one.dump(), R"({"":0,"a":{"c":2,"d":1},"b":[1,2]})");
  EXPECT_EQ(other.dump(), one.dump());
}

TEST(JsonDump, GivesEqualNumbersEqualText) {
  for (const auto* zero : {"0", "-0", "0.0", "-0.0", "-0E0", "0e9"}) {
    EXPECT_EQ(parse_json(zero, "test")->dump(), "0") << zero;
  }
  EXPECT_EQ(parse_json("1e2", "test")->dump(), parse_json("100", "test")->dump());
}

TEST(JsonDump, EscapesWhatMustBe) {
  EXPECT_EQ(Json("\"\\\n\r\t\x01\x7F/é").dump(), R"("\"\\\n\r\t\u0001\u007f/é")");
  EXPECT_EQ(Json(std::string("\0", 1)).dump(), R"("\u0000")");
}

TEST(JsonDump, ReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(Json("a\xFFz").dump(), "\"a\xEF\xBF\xBDz\"");
  EXPECT_EQ(Json("\xC3").dump(), "\"\xEF\xBF\xBD\"");
  EXPECT_EQ(Json("\xED\xA0\x80").dump(), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
  EXPECT_EQ(Json("\xF0\x9F\x98").dump(), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST(JsonDump, IsReadBackEqual) {
  const Json value(
      JsonObject{{"text", "line\nnext \x01 é"},
                 {"numbers", JsonArray{0, -1, 1.5, 1e300, 0.1, std::numeric_limits<std::int64_t>::min()}},
                 {"flags", JsonArray{true, false, nullptr}},
                 {"nested", JsonObject{{"empty", JsonArray{}}, {"object", JsonObject{}}}}});

  EXPECT_EQ(parse_json(value.dump(), "test").value_or(Json()), value);
  EXPECT_EQ(parse_json(value.dump(2), "test").value_or(Json()), value);
}

TEST(JsonDump, SpreadsOverLinesWhenIndented) {
  const Json value(JsonObject{{"a", JsonArray{1, 2}}, {"b", JsonObject{}}});
  EXPECT_EQ(value.dump(2), "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}");
}

TEST(JsonDump, HasNoNumbersThatJsonLacks) {
  EXPECT_EQ(Json(std::numeric_limits<double>::infinity()).dump(), "null");
  EXPECT_EQ(Json(std::numeric_limits<double>::quiet_NaN()).dump(), "null");
  EXPECT_EQ(Json(std::numeric_limits<std::uint64_t>::max()).dump(), "1.8446744073709552e+19");
}

TEST(Json, TellsWhatItIsNot) {
  const Json text("7");
  EXPECT_FALSE(text.integer() || text.number() || text.boolean());
  EXPECT_EQ(text.array(), nullptr);
  const Json fraction(1.0);
  EXPECT_FALSE(fraction.integer().has_value());
  EXPECT_FALSE(Json(-1).count().has_value());
  EXPECT_EQ(Json(5).number(), 5.0);
  EXPECT_FALSE(Json(1).boolean().has_value());
}

TEST(Json, AnswersNullForMembersItLacks) {
  const Json object(JsonObject{{"a", JsonObject{{"b", "text"}}}});
  EXPECT_EQ(object["a"].text("b"), "text");
  EXPECT_EQ(object["a"].text("c", "otherwise"), "otherwise");
  EXPECT_TRUE(object["x"]["y"]["z"].is_null());
  EXPECT_TRUE(Json("text")["a"].is_null());
}

TEST(Json, MakesNullOfWhatWasNotMeasured) {
  EXPECT_TRUE(Json(std::optional<double>()).is_null());
  EXPECT_EQ(Json(std::optional<std::uint64_t>(0)).count(), 0U);
}

}  // namespace
}  // namespace agent::io
