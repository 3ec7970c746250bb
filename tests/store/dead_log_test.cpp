#include "agent/store/dead_log.hpp"

#include <gtest/gtest.h>

#include "agent/io/little_endian.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::store {
namespace {

using tests::Succeeds;

class DeadLogTest : public testing::Test {
protected:
  DeadLog open(const std::set<std::uint64_t>& segments) {
    auto log = DeadLog::open(folder_.path(), segments);
    EXPECT_THAT(log, Succeeds());
    return std::move(log).value();
  }

  tests::TempFolder folder_;
  io::fs::path file_ = folder_.path() / "dead.log";
};

TEST_F(DeadLogTest, RemembersMarksOverARestart) {
  open({}).append({.segment = 1, .offset = 24}, 104);
  open({1}).append({.segment = 2, .offset = 1000}, 1080);

  const auto log = open({1, 2});

  EXPECT_TRUE(log.was_dead({.segment = 1, .offset = 24}));
  EXPECT_TRUE(log.was_dead({.segment = 2, .offset = 1000}));
  EXPECT_FALSE(log.was_dead({.segment = 1, .offset = 1000}));
}

TEST_F(DeadLogTest, AnIncompleteLastMarkMeansNothingAndDoesNotShiftTheNext) {
  open({}).append({.segment = 1, .offset = 24}, 104);
  ASSERT_THAT(io::append_file(file_, "half a m"), Succeeds());

  open({1}).append({.segment = 1, .offset = 48}, 128);

  const auto log = open({1});
  EXPECT_TRUE(log.was_dead({.segment = 1, .offset = 24}));
  EXPECT_TRUE(log.was_dead({.segment = 1, .offset = 48}));
}

TEST_F(DeadLogTest, DropsMarksOfSegmentsThatAreGone) {
  {
    const auto log = open({});
    for (std::uint64_t i = 0; i < 100; ++i) {
      log.append({.segment = 1, .offset = i}, i + 80);
    }
    log.append({.segment = 2, .offset = 24}, 104);
  }

  const auto log = open({2});

  EXPECT_EQ(io::fs::file_size(file_), 32U);
  EXPECT_TRUE(log.was_dead({.segment = 2, .offset = 24}));
  EXPECT_FALSE(log.was_dead({.segment = 1, .offset = 5}));
}

TEST_F(DeadLogTest, KnowsWhereTheRecordsOfASegmentEnd) {
  {
    const auto log = open({});
    log.append({.segment = 2, .offset = 1024}, 5000);
    log.append({.segment = 1, .offset = 24}, 80);
    log.append({.segment = 2, .offset = 24}, 1000);
    log.append({.segment = 2, .offset = 24}, 1000);
  }

  const auto extents = open({1, 2}).extents(2);

  ASSERT_EQ(extents.size(), 2U);
  EXPECT_EQ(extents[0].begin, 0U);
  EXPECT_EQ(extents[0].end, 1000U);
  EXPECT_EQ(extents[1].begin, 1000U);
  EXPECT_EQ(extents[1].end, 5000U);
  EXPECT_TRUE(open({1, 2}).extents(3).empty());
}

TEST_F(DeadLogTest, TakesMarksOfAnEarlierVersionWithoutAnEnd) {
  std::string older;
  for (const std::uint64_t number : {7U, 24U, 7U, 1024U}) {
    io::append_le(older, number);
  }
  ASSERT_THAT(io::append_file(file_, older), Succeeds());
  open({7}).append({.segment = 7, .offset = 1024}, 5000);  // again, by this version

  const auto log = open({7});

  EXPECT_TRUE(log.was_dead({.segment = 7, .offset = 24}));
  ASSERT_EQ(log.extents(7).size(), 2U);
  EXPECT_EQ(log.extents(7)[0].end, 0U);
  EXPECT_EQ(log.extents(7)[1].end, 5000U);
}

TEST_F(DeadLogTest, AnEndWithoutItsMarkMeansNothing) {
  std::string log;
  constexpr auto k_end_flag = std::uint64_t{1} << 63U;
  for (const std::uint64_t number : {k_end_flag | 7, std::uint64_t{500}, std::uint64_t{7}, std::uint64_t{24},
                                     k_end_flag | 8, std::uint64_t{600}}) {
    io::append_le(log, number);
  }
  ASSERT_THAT(io::append_file(file_, log), Succeeds());

  const auto extents = open({7, 8}).extents(7);

  ASSERT_EQ(extents.size(), 1U);
  EXPECT_EQ(extents[0].end, 0U);
  EXPECT_EQ(io::fs::file_size(file_), 16U);
}

}  // namespace
}  // namespace agent::store
