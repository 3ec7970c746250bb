#include "agent/store/space.hpp"

#include <gtest/gtest.h>

#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::store {
namespace {

using tests::FailsWith;
using tests::Succeeds;

constexpr std::uint64_t k_segment = std::uint64_t{256} << 10U;
constexpr std::uint64_t k_entry = 100;

class SpaceTest : public testing::Test {
protected:
  Extent take(std::uint64_t size) {
    auto placed = space_.reserve(size, k_entry);
    EXPECT_THAT(placed, Succeeds());
    EXPECT_TRUE(placed && placed->extent);
    return std::move(*placed->extent);
  }

  tests::TempFolder folder_;
  Space space_{{.folder = folder_.path(),
                .max_size_bytes = std::uint64_t{1} << 20U,
                .min_free_bytes = 0,
                .segment_bytes = k_segment}};
};

TEST_F(SpaceTest, ExtentsFollowEachOtherInOneSegment) {
  const auto first = take(1000);
  const auto second = take(2000);

  EXPECT_EQ(first.segment, second.segment);
  EXPECT_EQ(first.offset, 0U);
  EXPECT_EQ(second.offset, 1000U);
  EXPECT_GE(io::fs::file_size(first.segment->path), 3000U);
}

TEST_F(SpaceTest, ASegmentLeavesRoomForItsFooter) {
  std::uint64_t taken = 0;
  std::uint64_t extents = 0;
  const auto first = take(1000);
  for (auto extent = first; extent.segment == first.segment; extent = take(1000)) {
    taken += extent.size;
    ++extents;
  }

  EXPECT_LE(taken + (extents * k_entry), k_segment);
  EXPECT_GT(taken + (extents * k_entry), k_segment - 3000);
}

TEST_F(SpaceTest, WhatIsTooLargeForASegmentGetsItsOwn) {
  const auto small = take(1000);
  const auto large = take(2 * k_segment);
  const auto next = take(1000);

  EXPECT_NE(large.segment, small.segment);
  EXPECT_EQ(next.segment, small.segment);
  space_.commit(large, large.size, k_entry);
  EXPECT_EQ(space_.take_closed(), large.segment);
}

TEST_F(SpaceTest, SaysHowMuchIsMissingAtTheCap) {
  std::vector<Extent> taken;
  for (int i = 0; i < 3; ++i) {
    taken.push_back(take(300'000));
  }

  const auto refused = space_.reserve(300'000, k_entry);

  ASSERT_THAT(refused, Succeeds());
  EXPECT_FALSE(refused->extent);
  EXPECT_GT(refused->missing_bytes, 0U);
  EXPECT_LE(refused->missing_bytes, 300'000U);
  EXPECT_THAT(space_.reserve(std::uint64_t{1} << 20U, k_entry), FailsWith(Errc::invalid));
}

TEST_F(SpaceTest, AnUnwrittenExtentAtTheTailIsGivenAgain) {
  take(1000);
  const auto second = take(5000);

  EXPECT_TRUE(space_.give_back(second));

  EXPECT_EQ(take(7000).offset, 1000U);
}

TEST_F(SpaceTest, AnExtentWithAnotherBehindItIsNotGivenAgain) {
  take(1000);
  const auto second = take(5000);
  take(1000);

  EXPECT_FALSE(space_.give_back(second));

  space_.abandon(second);
  EXPECT_EQ(take(7000).offset, 7000U);
}

TEST_F(SpaceTest, AWrittenExtentIsNotGivenAgain) {
  take(1000);
  const auto second = take(5000);

  space_.abandon(second);

  EXPECT_EQ(take(7000).offset, 6000U);
}

TEST_F(SpaceTest, ReleasedRecordsFreeTheirPages) {
  const auto first = take(100'000);
  const auto second = take(100'000);
  space_.commit(first, first.size, k_entry);
  space_.commit(second, second.size, k_entry);
  const auto before = space_.used_bytes();

  const auto freed = space_.release(*first.segment, first.offset, first.offset + first.size);

  EXPECT_EQ(freed, 24U * k_page_bytes);  // the 25th is shared with the second
  EXPECT_EQ(space_.used_bytes(), before - freed);
}

TEST_F(SpaceTest, ACommitThatNeedsLessGivesTheRestToTheNext) {
  const auto first = take(5000);

  space_.commit(first, 4000, k_entry);

  EXPECT_EQ(take(1000).offset, 4000U);
}

TEST_F(SpaceTest, AClosedSegmentWaitsForItsWriters) {
  const auto extent = take(1000);

  space_.close_open();

  EXPECT_EQ(space_.take_closed(), nullptr);
  space_.commit(extent, extent.size, k_entry);
  EXPECT_EQ(space_.take_closed(), extent.segment);
  EXPECT_EQ(space_.take_closed(), nullptr);
}

TEST_F(SpaceTest, AFinishedSegmentWithoutRecordsIsDeleted) {
  const auto extent = take(1000);
  const auto path = extent.segment->path;
  space_.abandon(extent);
  space_.close_open();

  const auto closed = space_.take_closed();
  ASSERT_NE(closed, nullptr);
  space_.finish(closed, closed->tail);

  EXPECT_FALSE(io::fs::exists(path));
  EXPECT_EQ(space_.used_bytes(), 0U);
}

TEST_F(SpaceTest, WaitingForAClosedSegmentEndsWithTheStop) {
  std::stop_source stop;
  stop.request_stop();

  EXPECT_EQ(space_.wait_closed(stop.get_token()), nullptr);
}

}  // namespace
}  // namespace agent::store
