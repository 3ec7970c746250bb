#include "agent/slots/jobserver.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <optional>

#include "tests/support/temp_folder.hpp"

namespace agent::slots {
namespace {

// A make that takes and returns tokens.
class SlotJobserver : public testing::Test {
protected:
  void SetUp() override {
    read_ = io::open_file(folder_.path() / Jobserver::k_tokens, O_RDWR | O_NONBLOCK).value();
    write_ = io::open_file(folder_.path() / Jobserver::k_returned, O_RDWR | O_NONBLOCK).value();
  }
  bool take() const {
    char token = 0;
    return ::read(read_.get(), &token, 1) == 1;
  }
  void put_back() const { ASSERT_EQ(::write(write_.get(), "+", 1), 1); }
  void tend() {
    const auto tended = jobserver_.tend();
    ASSERT_TRUE(tended) << tended.error().message;
  }

  tests::TempFolder folder_;
  Pool pool_ = Pool::open(folder_.path() / "pool", 3).value();
  bool may_take_ = true;
  Jobserver jobserver_ = Jobserver::open(folder_.path(), pool_, [this] { return may_take_; }).value();
  io::Fd read_;
  io::Fd write_;
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
  EXPECT_EQ(jobserver_.slots(), 3U) << "jobs may want them at once";
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

TEST_F(SlotJobserver, LetsOthersBeForAWhileWhenItHadNoJobForItsToken) {
  tend();
  std::optional<Ticket> other(pool_.queue_up().value());
  tend();
  tend();
  EXPECT_FALSE(pool_.others_wait(&*other).value()) << "it queued up for what it did not use";
  other.reset();
  constexpr unsigned k_looks = 1000;
  for (unsigned look = 0; look < k_looks && jobserver_.slots() == 0; ++look) {
    tend();
  }
  EXPECT_EQ(jobserver_.slots(), 1U);
}

TEST_F(SlotJobserver, GivesAwayWhatAJobPutBackBeforeTheNextCanTakeIt) {
  tend();
  ASSERT_TRUE(take());
  const auto other = pool_.queue_up().value();
  put_back();
  EXPECT_FALSE(take()) << "the next job took it again, and who waits never saw it";
  tend();
  EXPECT_FALSE(take());
  EXPECT_EQ(jobserver_.slots(), 0U);
}

TEST_F(SlotJobserver, KeepsWhatAJobPutBackWhenItHasWaitedLongestItself) {
  for (unsigned i = 0; i < 3; ++i) {
    tend();
    ASSERT_TRUE(take());
  }
  tend();  // queues up for a fourth
  const auto later = pool_.queue_up().value();
  put_back();
  put_back();
  tend();
  EXPECT_EQ(jobserver_.slots(), 2U) << "one for itself, one for who came later";
  EXPECT_TRUE(take());
  put_back();
  tend();
  EXPECT_EQ(jobserver_.slots(), 1U) << "it has had its turn";
}

TEST_F(SlotJobserver, HandsNoTokenOnThatItDidNotGive) {
  tend();
  ASSERT_TRUE(take());
  put_back();
  put_back();
  tend();
  EXPECT_TRUE(take());
  EXPECT_FALSE(take());
}

TEST_F(SlotJobserver, IsWokenByAJobThatPutsItsTokenBack) {
  tend();
  ASSERT_TRUE(take());
  put_back();
  jobserver_.wait(std::chrono::hours(1));
  tend();
  EXPECT_TRUE(take());
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

TEST_F(SlotJobserver, HoldsNobodyUpWhileTheHostHasNoRoomForIt) {
  auto all = std::array{pool_.try_take().value(), pool_.try_take().value(), pool_.try_take().value()};
  tend();  // queues up
  const auto other = pool_.queue_up().value();
  ASSERT_FALSE(pool_.is_first(other).value());
  may_take_ = false;
  tend();
  EXPECT_TRUE(pool_.is_first(other).value());
  tend();
  EXPECT_FALSE(pool_.others_wait(&other).value());
}

}  // namespace
}  // namespace agent::slots
