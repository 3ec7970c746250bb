#include "agent/server/row_segment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/result_matchers.hpp"

namespace agent::server {
namespace {

using agent::tests::FailsWith;
using agent::tests::Succeeds;

Row row(std::string_view key, std::uint8_t mark, std::uint64_t size = 1) {
  Row made{.name_space = "sccache", .key = key, .blob = {}, .written_ms = 7};
  made.blob.digest.bytes.fill(mark);
  made.blob.size_bytes = size;
  return made;
}

std::shared_ptr<const RowSegment> segment(std::vector<Row> rows) {
  auto parsed = RowSegment::parse(encode_rows(std::move(rows)));
  EXPECT_THAT(parsed, Succeeds());
  return parsed ? *parsed : nullptr;
}

std::vector<std::string> keys(RowMerge merge) {
  std::vector<std::string> found;
  while (const auto next = merge.next()) {
    found.push_back(fmt::format("{}={}", next->key, next->blob.digest.bytes[0]));
  }
  return found;
}

TEST(RowSegment, KeepsRowsInOrderAndTheLastOfAKey) {
  const auto made = segment({row("b", 1), row("a", 2, 99), row("b", 3)});

  ASSERT_EQ(made->size(), 2);
  EXPECT_EQ(made->row(0), row("a", 2, 99));
  EXPECT_EQ(made->row(1), row("b", 3));
}

TEST(RowSegment, FindsKeys) {
  const auto made = segment({row("a", 1), row("c", 2), row("e", 3)});

  EXPECT_EQ(made->find("c"), row("c", 2));
  EXPECT_EQ(made->find("b"), std::nullopt);
  EXPECT_EQ(made->find(""), std::nullopt);
  EXPECT_EQ(made->after("c"), 2);
  EXPECT_EQ(made->after("z"), 3);
  EXPECT_EQ(segment({})->find("a"), std::nullopt);
}

TEST(RowSegment, RefusesEverySingleByteThatIsMissing) {
  const auto text = encode_rows({row("a", 1), row("bc", 2)});
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_THAT(RowSegment::parse(text.substr(0, size)), FailsWith(Errc::corrupt)) << size;
  }
  EXPECT_THAT(RowSegment::parse(text + "x"), FailsWith(Errc::corrupt));
}

TEST(RowSegment, RefusesNewerVersionsAndOtherObjects) {
  auto newer = encode_rows({row("a", 1)});
  newer[8] = 2;
  EXPECT_THAT(RowSegment::parse(newer), FailsWith(Errc::unsupported));
  newer[0] = 'X';
  EXPECT_THAT(RowSegment::parse(newer), FailsWith(Errc::corrupt));
}

TEST(RowSegment, RefusesRowsThatAreNotInOrder) {
  auto text = encode_rows({row("a", 1), row("b", 2)});
  text[text.find("sccachea") + 7] = 'c';
  EXPECT_THAT(RowSegment::parse(text), FailsWith(Errc::corrupt));
}

TEST(RowMerge, GoesThroughAllSegmentsByKeyAndTheLastOfAKeyCounts) {
  const std::vector segments = {segment({row("a", 1), row("c", 1), row("e", 1)}),
                                segment({row("c", 2), row("d", 2)}), segment({row("a", 3)})};

  EXPECT_THAT(keys(RowMerge(segments, {})), testing::ElementsAre("a=3", "c=2", "d=2", "e=1"));
  EXPECT_THAT(keys(RowMerge(segments, "c")), testing::ElementsAre("d=2", "e=1"));
  EXPECT_THAT(keys(RowMerge(segments, "z")), testing::IsEmpty());
}

}  // namespace
}  // namespace agent::server
