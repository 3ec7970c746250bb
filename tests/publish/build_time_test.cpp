// Packs that wait for somebody to refer to them while the machine sleeps.
#include "agent/publish/build_time.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "agent/publish/compactor.hpp"
#include "tests/publish/tag_fixture.hpp"
#include "tests/support/faulty_storage.hpp"
#include "tests/support/ranged_storage.hpp"
#include "tests/support/sleeping_clock.hpp"

namespace agent::publish {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::Key;
using testing::SizeIs;
using tests::FailsWith;
using tests::FaultyStorage;
using tests::Operation;
using tests::Succeeds;

class PacksWhileTheMachineSleeps : public TagFixture {
protected:
  const Clock& time() const override { return laptop_; }

  // What happens at the first call of this operation.
  static FaultyStorage::Script at_first(Operation operation,
                                        std::function<std::optional<tests::Fault>()> happening) {
    return [=, left = std::make_shared<int>(1)](Operation now, std::string_view) {
      return now == operation && (*left)-- == 1 ? happening() : std::optional<tests::Fault>();
    };
  }

  static FaultyStorage::Script refuse_the_first_swap() {
    return at_first(Operation::swap, [] { return tests::Refuse{tests::timed_out()}; });
  }

  // As a collector does with what nothing has referred to for days.
  void lose_all_packs() const {
    const auto packs = storage_->list("packs/");
    ASSERT_THAT(packs, Succeeds());
    for (const auto& pack : *packs) {
      ASSERT_THAT(storage_->remove(pack.name), Succeeds());
    }
  }

  Manifest manifest() const { return read_head(*storage_, tag_of("refs/heads/main"))->manifest; }
  std::size_t packs_in_storage() const { return storage_->list("packs/")->size(); }

  tests::SleepingClock laptop_;
};

TEST_F(PacksWhileTheMachineSleeps, AreGivenUpAfterHalfADay) {
  FaultyStorage faulty(*storage_, refuse_the_first_swap());
  const auto mine = writer(faulty);
  ASSERT_THAT(mine->publish(items({{"a", "1"}})), FailsWith(Errc::transient));
  laptop_.sleep(13h);

  ASSERT_THAT(mine->publish(items({{"a", "1"}})), Succeeds());

  EXPECT_EQ(packs_in_storage(), 2U);
  EXPECT_THAT(manifest().packs, SizeIs(1));
  EXPECT_THAT(contents(), Contains(Key("a")));
}

TEST_F(PacksWhileTheMachineSleeps, ArePublishedAfterANap) {
  FaultyStorage faulty(*storage_, refuse_the_first_swap());
  const auto mine = writer(faulty);
  ASSERT_THAT(mine->publish(items({{"a", "1"}})), FailsWith(Errc::transient));
  laptop_.sleep(11h);

  ASSERT_THAT(mine->publish(items({{"a", "1"}})), Succeeds());

  EXPECT_EQ(packs_in_storage(), 1U);
}

TEST_F(PacksWhileTheMachineSleeps, AreUploadedAgainWhereTheWallClockWasSetBack) {
  FaultyStorage faulty(*storage_, refuse_the_first_swap());
  const auto mine = writer(faulty);
  ASSERT_THAT(mine->publish(items({{"a", "1"}})), FailsWith(Errc::transient));
  laptop_.sleep(-1h);

  ASSERT_THAT(mine->publish(items({{"a", "1"}})), Succeeds());

  EXPECT_EQ(packs_in_storage(), 2U);
  EXPECT_THAT(contents(), Contains(Key("a")));
}

TEST_F(PacksWhileTheMachineSleeps, AreNotReferredToWhereItSleptAfterTheUpload) {
  FaultyStorage faulty(*storage_, at_first(Operation::put, [&] {
    laptop_.sleep(72h);
    return std::nullopt;
  }));

  ASSERT_THAT(writer(faulty)->publish(items({{"a", "1"}})), Succeeds());

  EXPECT_EQ(packs_in_storage(), 2U);
  EXPECT_THAT(manifest().packs, SizeIs(1));
  EXPECT_EQ(manifest().generation, 1U);
}

// Behind a network, where what was just uploaded is not looked at again.
TEST_F(PacksWhileTheMachineSleeps, AreMadeAgainWhereItSleptInTheSwapAndTheyAreGone) {
  tests::RangedStorage ranged(*storage_);
  FaultyStorage faulty(ranged, at_first(Operation::swap, [&] {
                         laptop_.sleep(72h);
                         lose_all_packs();
                         return std::nullopt;
                       }));

  const auto published = writer(faulty)->publish(items({{"a", "1"}}));

  ASSERT_THAT(published, Succeeds());
  EXPECT_EQ(published->generation, 2U);
  metrics::Registry registry;
  TagView view(*storage_, {.own = tag_of("refs/heads/main"), .also = {}}, registry);
  ASSERT_THAT(view.refresh(), Succeeds());
  EXPECT_TRUE(view.find("a"));
}

TEST_F(PacksWhileTheMachineSleeps, DoNotTakeThePlaceOfThoseThatTheyWereMergedFrom) {
  for (int i = 0; i < 10; ++i) {
    ASSERT_THAT(writer(*storage_)->publish(items({{fmt::format("{}", i), "1"}})), Succeeds());
  }
  const auto before = contents();
  FaultyStorage faulty(*storage_, at_first(Operation::put, [&] {
    laptop_.sleep(72h);
    return std::nullopt;
  }));
  Compactor compactor(
      {.tag = tag_of("refs/heads/main"),
       .producer = "",
       .folder = folder_.path() / "compacting",
       .limits = {}},
      {.storage = faulty, .clock = laptop_, .packs = std::make_shared<PackCache>(), .go_on = [] {
         return true;
       }});

  EXPECT_THAT(compactor.run(1 << 20), FailsWith(Errc::cancelled));

  EXPECT_EQ(contents(), before);
  EXPECT_THAT(manifest().packs, SizeIs(10));
  ASSERT_THAT(compactor.run(1 << 20), Succeeds());
  EXPECT_EQ(contents(), before);
  EXPECT_THAT(manifest().packs, SizeIs(1));
}

}  // namespace
}  // namespace agent::publish
