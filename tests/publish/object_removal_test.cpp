// Single objects that somebody takes out of a tag.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/publish/catalog.hpp"
#include "agent/publish/compactor.hpp"
#include "tests/publish/tag_fixture.hpp"
#include "tests/support/faulty_storage.hpp"

namespace agent::publish {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using tests::FailsWith;
using tests::Succeeds;
using Contents = std::map<std::string, std::string>;

class ObjectRemoval : public TagFixture {
protected:
  static TagId tag() { return tag_of("refs/heads/main"); }

  void SetUp() override {
    for (int i = 0; i < 9; ++i) {
      ASSERT_THAT(writer(*storage_)->publish(items({{"sccache/shared", fmt::format("version {}", i)},
                                                    {fmt::format("sccache/{}", i), "x"}})),
                  Succeeds());
    }
  }

  RemovedObjects remove(const std::vector<std::string>& keys) {
    const auto removed = remove_objects(*storage_, clock_, tag(), keys);
    EXPECT_THAT(removed, Succeeds());
    return removed.value_or(RemovedObjects());
  }

  Manifest manifest() const { return read_head(*storage_, tag())->manifest; }

  Result<Compacted> compact(const Clock& clock) {
    Compactor compactor(
        {.tag = tag(), .producer = "", .folder = folder_.path() / "compacting", .limits = {}},
        {.storage = *storage_, .clock = clock, .packs = std::make_shared<PackCache>(), .go_on = [] {
           return true;
         }});
    return compactor.run(1 << 20);
  }
};

TEST_F(ObjectRemoval, HidesAnObjectFromEveryReaderInAllOfItsVersions) {
  metrics::Registry registry;
  TagView running(*storage_, {.own = tag(), .also = {}}, registry);
  ASSERT_THAT(running.refresh(), Succeeds());
  EXPECT_TRUE(running.find("sccache/shared"));

  const auto removed = remove({"sccache/shared", "sccache/none", "sccache/shared"});

  EXPECT_THAT(removed.removed, ElementsAre("sccache/shared"));
  EXPECT_THAT(removed.absent, ElementsAre("sccache/none"));
  EXPECT_THAT(contents(), SizeIs(9));
  EXPECT_FALSE(contents().contains("sccache/shared"));
  ASSERT_THAT(running.refresh(), Succeeds());
  EXPECT_FALSE(running.find("sccache/shared"));
  EXPECT_TRUE(running.removed("sccache/shared"));
  EXPECT_FALSE(running.removed("sccache/1"));
  EXPECT_EQ(running.figures().objects, 9U);
}

TEST_F(ObjectRemoval, LetsTheObjectComeBackWhenItIsPublishedAnew) {
  remove({"sccache/shared", "sccache/1"});

  ASSERT_THAT(writer(*storage_)->publish(items({{"sccache/shared", "version 8"}})), Succeeds());

  EXPECT_EQ(contents().at("sccache/shared"), "version 8") << "the same bytes as before";
  EXPECT_FALSE(contents().contains("sccache/1"));
}

TEST_F(ObjectRemoval, OfWhatIsNotThereChangesNothing) {
  const auto before = manifest();

  EXPECT_THAT(remove({"sccache/none"}).removed, IsEmpty());

  EXPECT_EQ(manifest(), before);
  EXPECT_THAT(remove_objects(*storage_, clock_, tag_of("refs/heads/other"), {"a"}),
              FailsWith(Errc::not_found));
}

TEST_F(ObjectRemoval, HoldsAgainstAWriterWhoWasThereBefore) {
  const auto mine = writer(*storage_);
  ASSERT_THAT(mine->publish(items({{"sccache/mine", "1"}})), Succeeds());
  remove({"sccache/mine", "sccache/2"});

  ASSERT_THAT(mine->publish(items({{"sccache/other", "1"}})), Succeeds());

  EXPECT_FALSE(contents().contains("sccache/mine"));
  EXPECT_FALSE(contents().contains("sccache/2"));
  ASSERT_THAT(mine->publish(items({{"sccache/mine", "1"}})), Succeeds());
  EXPECT_TRUE(contents().contains("sccache/mine"));
}

TEST_F(ObjectRemoval, IsMadeRealByCompactionAndForgottenAWeekLater) {
  remove({"sccache/shared"});
  const auto before = contents();

  ASSERT_EQ(compact(clock_)->packs, 9U);

  EXPECT_EQ(contents(), before);
  EXPECT_EQ(manifest().packs.front().objects, 9U) << "its bytes are gone";
  EXPECT_THAT(manifest().removed, SizeIs(1)) << "a pack of before may still come";
  ManualClock later;
  later.advance(std::chrono::duration_cast<std::chrono::milliseconds>(clock_.wall() - later.wall()) +
                8 * 24h);
  for (int i = 0; i < 8; ++i) {
    ASSERT_THAT(writer(*storage_)->publish(items({{fmt::format("new/{}", i), "x"}})), Succeeds());
  }
  ASSERT_THAT(compact(later), Succeeds());
  EXPECT_THAT(manifest().removed, IsEmpty());
  EXPECT_THAT(contents(), SizeIs(17));
}

TEST_F(ObjectRemoval, OutlivesACompactionThatWasPlannedBefore) {
  bool removed = false;
  Compactor compactor(
      {.tag = tag(), .producer = "", .folder = folder_.path() / "compacting", .limits = {}},
      {.storage = *storage_, .clock = clock_, .packs = std::make_shared<PackCache>(), .go_on = [&] {
         // Asked between any two steps: the last time just before the swap.
         if (storage_->list("packs/")->size() > 9 && !std::exchange(removed, true)) {
           remove({"sccache/shared"});
         }
         return true;
       }});

  ASSERT_THAT(compactor.run(1 << 20), Succeeds());

  ASSERT_TRUE(removed);
  EXPECT_FALSE(contents().contains("sccache/shared"));
  EXPECT_THAT(contents(), SizeIs(9));
}

}  // namespace
}  // namespace agent::publish
