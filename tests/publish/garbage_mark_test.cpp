#include "agent/publish/garbage_mark.hpp"

#include <gtest/gtest.h>

#include "tests/publish/golden.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::publish {
namespace {

using tests::FailsWith;

GarbageMark golden_mark() {
  return {.written_ms = 1'763'700'000'456,
          .names = {"manifests/11/" + std::string(64, '1'), "packs/22/" + std::string(64, '2')}};
}

TEST(GarbageMark, WritesFormat1ByteForByte) {
  EXPECT_EQ(encode(golden_mark()), tests::golden("garbage-mark-v1.json"));
}

TEST(GarbageMark, ReadsFormat1) {
  EXPECT_EQ(parse_garbage_mark(tests::golden("garbage-mark-v1.json")), golden_mark());
}

TEST(GarbageMark, MayBeEmpty) {
  EXPECT_EQ(parse_garbage_mark(encode(GarbageMark{.written_ms = 1})), (GarbageMark{.written_ms = 1}));
}

TEST(GarbageMark, SaysThatAFormatIsNewer) {
  EXPECT_THAT(parse_garbage_mark(R"({"format":2})"), FailsWith(Errc::unsupported));
}

TEST(GarbageMark, RefusesEverythingElse) {
  for (const auto* const text :
       {"", "[]", "{}", R"({"format":1})", R"({"format":1,"names":{},"written":1})",
        R"({"format":1,"names":[1],"written":1})", R"({"format":1,"names":["b","a"],"written":1})",
        R"({"format":1,"names":["a","a"],"written":1})", R"({"format":1,"names":["a"],"written":-1})"}) {
    EXPECT_THAT(parse_garbage_mark(text), FailsWith(Errc::corrupt)) << text;
  }
}

}  // namespace
}  // namespace agent::publish
