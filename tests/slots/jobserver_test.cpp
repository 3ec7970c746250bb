#include "agent/slots/jobserver.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/temp_folder.hpp"

namespace agent::slots {
namespace {

// A make that takes and returns tokens, on the same FIFO.
class SlotJobserver : public testing::Test {
protected:
  void SetUp() override { client_ = io::open_file(fifo_, O_RDWR | O_NONBLOCK).value(); }
  bool take() const {
    char token = 0;
    return ::read(client_.get(), &token, 1) == 1;
  }
  void put_back() const { ASSERT_EQ(::write(client_.get(), "+", 1), 1); }
  void tend() {
    const auto tended = jobserver_.tend();
    ASSERT_TRUE(tended) << tended.error().message;
  }

  tests::TempFolder folder_;
  io::fs::path fifo_ = folder_.path() / "fifo";
  Pool pool_ = Pool::open(folder_.path() / "pool", 3).value();
  bool may_take_ = true;
  Jobserver jobserver_ = Jobserver::open(fifo_, pool_, [this] { return may_take_; }).value();
  io::Fd client_;
};

TEST_F(SlotJobserver, OffersOneTokenAtATimeAndNeverMoreThanThereAreSlots) {
  tend();
  tend();
  EXPECT_EQ(jobserver_.slots(), 1U);
  for (unsigned i = 0; i < 3; ++i) {
    EXPECT_TRUE(take());
    EXPECT_FALSE(take());
    tend();
  }
  EXPECT_FALSE(take()) << "all three slots are in use";
  EXPECT_EQ(jobserver_.slots(), 3U);
}

TEST_F(SlotJobserver, GivesBackWhatLiesIdle) {
  for (unsigned i = 0; i < 3; ++i) {
    tend();
    ASSERT_TRUE(take());
  }
  for (unsigned i = 0; i < 3; ++i) {
    put_back();
  }
  tend();
  EXPECT_EQ(jobserver_.slots(), 1U) << "one stays on offer";
  EXPECT_EQ(pool_.taken().value(), 1U);
}

TEST_F(SlotJobserver, GivesTheLastIdleOneBackToWhoWaits) {
  tend();
  ASSERT_EQ(jobserver_.slots(), 1U);
  const auto other = pool_.queue_up().value();
  tend();
  EXPECT_EQ(jobserver_.slots(), 0U);
  EXPECT_EQ(pool_.taken().value(), 0U);
}

TEST_F(SlotJobserver, WaitsItsTurn) {
  const auto earlier = pool_.queue_up().value();
  tend();
  EXPECT_EQ(jobserver_.slots(), 0U);
}

TEST_F(SlotJobserver, TakesNothingWhereTheHostHasNoRoom) {
  may_take_ = false;
  tend();
  EXPECT_EQ(jobserver_.slots(), 0U);
  may_take_ = true;
  tend();
  EXPECT_EQ(jobserver_.slots(), 1U);
}

}  // namespace
}  // namespace agent::slots
