#include "agent/store/dead_log.hpp"

#include <gtest/gtest.h>

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
  open({}).append({.segment = 1, .offset = 24});
  open({1}).append({.segment = 2, .offset = 1000});

  const auto log = open({1, 2});

  EXPECT_TRUE(log.was_dead({.segment = 1, .offset = 24}));
  EXPECT_TRUE(log.was_dead({.segment = 2, .offset = 1000}));
  EXPECT_FALSE(log.was_dead({.segment = 1, .offset = 1000}));
}

TEST_F(DeadLogTest, AnIncompleteLastMarkMeansNothingAndDoesNotShiftTheNext) {
  open({}).append({.segment = 1, .offset = 24});
  ASSERT_THAT(io::append_file(file_, "half a m"), Succeeds());

  open({1}).append({.segment = 1, .offset = 48});

  const auto log = open({1});
  EXPECT_TRUE(log.was_dead({.segment = 1, .offset = 24}));
  EXPECT_TRUE(log.was_dead({.segment = 1, .offset = 48}));
}

TEST_F(DeadLogTest, DropsMarksOfSegmentsThatAreGone) {
  {
    const auto log = open({});
    for (std::uint64_t i = 0; i < 100; ++i) {
      log.append({.segment = 1, .offset = i});
    }
    log.append({.segment = 2, .offset = 24});
  }

  const auto log = open({2});

  EXPECT_EQ(io::fs::file_size(file_), 16U);
  EXPECT_TRUE(log.was_dead({.segment = 2, .offset = 24}));
  EXPECT_FALSE(log.was_dead({.segment = 1, .offset = 5}));
}

}  // namespace
}  // namespace agent::store
