#include "agent/publish/upload_budget.hpp"

#include <gtest/gtest.h>

#include "tests/publish/tag_fixture.hpp"

namespace agent::publish {
namespace {

using namespace std::chrono_literals;
using Use = UploadBudget::Use;
using tests::Succeeds;

TEST(UploadBudget, WithoutARateIsAlwaysReady) {
  const ManualClock clock;
  UploadBudget budget(0, clock);
  for (int i = 0; i < 1000; ++i) {
    budget.spend();
  }

  EXPECT_TRUE(budget.ready(Use::compaction));
}

TEST(UploadBudget, NeverAllowsMoreThanItsRateInAnyMinute) {
  ManualClock clock;
  UploadBudget budget(6, clock);
  std::deque<Steady> spent;
  int uploads = 0;
  for (int i = 0; i < 500; ++i) {
    if (budget.ready(Use::drain)) {
      for (int upload = 0; upload < 2; ++upload) {
        budget.spend();
        spent.push_back(clock.now());
        ++uploads;
      }
    }
    while (spent.front() + 1min <= clock.now()) {
      spent.pop_front();
    }
    ASSERT_LE(spent.size(), 6U);
    clock.advance(std::chrono::milliseconds(700 + ((i * 37) % 1000)));
  }
  EXPECT_GE(uploads, 54) << "nor much less, in ten minutes";
}

TEST(UploadBudget, AFlushLeavesEnoughForADrain) {
  ManualClock clock;
  UploadBudget budget(6, clock);
  budget.spend();
  budget.spend();
  EXPECT_TRUE(budget.ready(Use::flush));
  clock.advance(10s);
  budget.spend();
  budget.spend();

  EXPECT_FALSE(budget.ready(Use::flush));
  EXPECT_TRUE(budget.ready(Use::drain));
  EXPECT_EQ(budget.ready_at(Use::flush), clock.now() + 50s);
  clock.advance(50s);
  EXPECT_TRUE(budget.ready(Use::flush));
}

TEST(UploadBudget, CompactionWaitsForBoth) {
  ManualClock clock;
  UploadBudget budget(6, clock);
  EXPECT_TRUE(budget.ready(Use::compaction));

  budget.spend();

  EXPECT_FALSE(budget.ready(Use::compaction));
  EXPECT_TRUE(budget.ready(Use::flush));
}

TEST(UploadBudget, WhatIsOverdrawnIsPaidBack) {
  ManualClock clock;
  UploadBudget budget(2, clock);
  for (int i = 0; i < 4; ++i) {
    budget.spend();
    clock.advance(1s);
  }

  EXPECT_EQ(budget.ready_at(Use::drain), clock.now() + 59s);
}

TEST(UploadBudget, ARateBelowOnePublishStillLetsOneThrough) {
  ManualClock clock;
  UploadBudget budget(1, clock);
  EXPECT_TRUE(budget.ready(Use::compaction));

  budget.spend();

  EXPECT_FALSE(budget.ready(Use::drain));
  clock.advance(1min);
  EXPECT_TRUE(budget.ready(Use::drain));
}

class BudgetedStorageTest : public TagFixture {};

TEST_F(BudgetedStorageTest, TakesFromTheBudgetWhatIsUploadedAndNothingElse) {
  ManualClock clock;
  UploadBudget budget(3, clock);
  BudgetedStorage storage(*storage_, budget);

  EXPECT_THAT(storage.read("tags/a"), Succeeds());
  EXPECT_THAT(storage.get("packs/a", {}), Succeeds());
  EXPECT_THAT(storage.open_in_place("packs/a"), Succeeds());
  EXPECT_THAT(storage.list("packs/"), Succeeds());
  EXPECT_THAT(storage.remove("packs/a"), Succeeds());
  EXPECT_TRUE(budget.ready(Use::compaction));

  EXPECT_THAT(storage.put_if_absent("packs/a", std::string_view("x")), Succeeds());
  EXPECT_TRUE(budget.ready(Use::drain));
  EXPECT_THAT(storage.compare_and_swap("tags/a", std::nullopt, "x"), Succeeds());
  EXPECT_FALSE(budget.ready(Use::drain));
}

}  // namespace
}  // namespace agent::publish
