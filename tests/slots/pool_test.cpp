#include "agent/slots/pool.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/temp_folder.hpp"

namespace agent::slots {
namespace {

class SlotPool : public testing::Test {
protected:
  Pool open(unsigned count) const { return Pool::open(folder_.path() / "pool", count).value(); }
  tests::TempFolder folder_;
};

TEST_F(SlotPool, GivesEachSlotOnceAndAgainOnceItIsGivenBack) {
  const auto one = open(2);
  const auto other = open(2);
  auto first = one.try_take().value();
  ASSERT_TRUE(first);
  const auto second = other.try_take().value();
  ASSERT_TRUE(second);
  EXPECT_FALSE(one.try_take().value());
  EXPECT_EQ(other.taken().value(), 2U);
  first.reset();
  EXPECT_EQ(other.taken().value(), 1U);
  EXPECT_TRUE(other.try_take().value());
}

TEST_F(SlotPool, RefusesToHaveNone) {
  const auto pool = Pool::open(folder_.path() / "pool", 0);
  ASSERT_FALSE(pool);
  EXPECT_EQ(pool.error().code, Errc::invalid);
}

TEST_F(SlotPool, LetsWaitersInTheirOrder) {
  const auto pool = open(1);
  std::optional<Ticket> first(pool.queue_up().value());
  const auto second = pool.queue_up().value();
  EXPECT_TRUE(pool.is_first(*first).value());
  EXPECT_FALSE(pool.is_first(second).value());
  EXPECT_TRUE(pool.others_wait(&second).value());
  first.reset();
  EXPECT_TRUE(pool.is_first(second).value());
  EXPECT_FALSE(pool.others_wait(&second).value());
  EXPECT_TRUE(pool.others_wait(nullptr).value());
}

TEST_F(SlotPool, PassesOverWaitersThatDied) {
  const auto pool = open(1);
  const auto left_behind = folder_.path() / "pool" / "queue" / "00000000000000000001-0000000001-000000";
  ASSERT_TRUE(io::write_file(left_behind, ""));
  const auto ticket = pool.queue_up().value();
  EXPECT_TRUE(pool.is_first(ticket).value());
  EXPECT_FALSE(io::fs::exists(left_behind));
}

TEST_F(SlotPool, TakesNobodyForAWaiterWhoDied) {
  const auto pool = open(1);
  const auto ticket = pool.queue_up().value();
  const auto left_behind = folder_.path() / "pool" / "queue" / "99999999999999999999-0000000001-000000";
  ASSERT_TRUE(io::write_file(left_behind, ""));
  EXPECT_FALSE(pool.others_wait(&ticket).value());
  EXPECT_FALSE(io::fs::exists(left_behind));
}

TEST_F(SlotPool, MakesItsFolderForThisUserAloneAndLeavesOneThatIsThereAsItIs) {
  const auto made = folder_.path() / "pool";
  open(1);
  EXPECT_EQ(io::fs::status(made).permissions(), io::fs::perms::owner_all);
  io::fs::permissions(made, io::fs::perms(0755));
  open(1);
  EXPECT_EQ(io::fs::status(made).permissions(), io::fs::perms(0755));
}

TEST_F(SlotPool, IsInOneFolderForAllSessionsOfAUser) {
  const tests::TempFolder session;
  const auto from_a_service = own_folder(folder_.path()).value();
  ::setenv("XDG_RUNTIME_DIR", session.path().c_str(), 1);
  const auto from_a_shell = own_folder(folder_.path()).value();
  ::unsetenv("XDG_RUNTIME_DIR");
  EXPECT_EQ(from_a_service, from_a_shell);
  EXPECT_EQ(io::fs::status(from_a_shell).permissions(), io::fs::perms::owner_all);
}

TEST_F(SlotPool, IsInNoFolderThatSomebodyElseMayHavePrepared) {
  const auto folder = own_folder(folder_.path()).value();
  io::fs::permissions(folder, io::fs::perms(0777));
  EXPECT_EQ(own_folder(folder_.path()).error().code, Errc::denied);

  const tests::TempFolder elsewhere;
  io::fs::remove(folder);
  io::fs::create_directory_symlink(elsewhere.path(), folder);
  EXPECT_EQ(own_folder(folder_.path()).error().code, Errc::denied);
}

}  // namespace
}  // namespace agent::slots
