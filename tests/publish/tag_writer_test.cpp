#include "agent/publish/tag_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "tests/publish/tag_fixture.hpp"
#include "tests/support/faulty_storage.hpp"

namespace agent::publish {
namespace {

using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using testing::UnorderedElementsAre;
using tests::FailsSaying;
using tests::FailsWith;
using tests::FaultyStorage;
using tests::LoseAnswer;
using tests::Operation;
using tests::Refuse;
using tests::Succeeds;
using tests::Truncate;

using Contents = std::map<std::string, std::string>;

class TagWriterTest : public TagFixture {
protected:
  std::size_t packs_in_storage() { return storage_->list("packs/")->size(); }

  Head head() {
    auto found = read_head(*storage_, tag_of("refs/heads/main"));
    EXPECT_THAT(found, Succeeds());
    return *std::move(found);
  }

  // The same generation with its manifest in an object of its own, as older versions wrote all of them.
  void name_the_manifest() {
    const auto bytes = *encode(head().manifest);
    const Pointer pointer{.id = tag_of("refs/heads/main"),
                          .generation = head().generation,
                          .manifest = io::sha256(io::bytes_of(bytes))};
    ASSERT_THAT(storage_->put_if_absent(manifest_name(pointer.manifest), std::string_view(bytes)),
                Succeeds());
    ASSERT_THAT(storage_->compare_and_swap(*pointer_name(pointer.id), head().version, encode(pointer)),
                Succeeds());
  }
};

// Applies a fault to the n-th (from 1) call of an operation on names that begin so, and to no other.
FaultyStorage::Script once(Operation operation, const std::string& prefix, tests::Fault fault, int n = 1) {
  auto left = std::make_shared<std::atomic<int>>(n);
  return [=](Operation now, std::string_view name) -> std::optional<tests::Fault> {
    if (now == operation && name.starts_with(prefix) && --*left == 0) {
      return fault;
    }
    return std::nullopt;
  };
}

TEST_F(TagWriterTest, PublishesABatchAsOnePack) {
  ASSERT_THAT(writer(*storage_)->publish(items({{"a", "first"}, {"b", ""}})), Succeeds());

  EXPECT_THAT(contents(), UnorderedElementsAre(Pair("a", "first"), Pair("b", "")));
  EXPECT_EQ(packs_in_storage(), 1U);
  EXPECT_EQ(head().generation, 1U);
  EXPECT_EQ(head().manifest.packs.front().producer, "a test");
  EXPECT_EQ(head().manifest.packs.front().objects, 2U);
}

TEST_F(TagWriterTest, EveryGenerationNamesItsPredecessor) {
  const auto mine = writer(*storage_);
  ASSERT_THAT(mine->publish(items({{"a", "1"}})), Succeeds());
  const auto first = head();
  ASSERT_THAT(mine->publish(items({{"b", "2"}})), Succeeds());

  EXPECT_EQ(head().generation, 2U);
  EXPECT_EQ(head().manifest.previous, first.digest);
  EXPECT_THAT(contents(), SizeIs(2));
}

TEST_F(TagWriterTest, LeavesOutWhatIsLiveWithTheSameDigest) {
  const auto mine = writer(*storage_);
  ASSERT_THAT(mine->publish(items({{"a", "1"}, {"b", "2"}})), Succeeds());

  ASSERT_THAT(mine->publish(items({{"a", "1"}, {"b", "2"}})), Succeeds());
  EXPECT_EQ(head().generation, 1U);

  ASSERT_THAT(mine->publish(items({{"a", "1"}, {"b", "changed"}})), Succeeds());
  EXPECT_THAT(contents(), UnorderedElementsAre(Pair("a", "1"), Pair("b", "changed")));
  EXPECT_THAT(head().manifest.packs, SizeIs(2));
  EXPECT_EQ(head().manifest.packs[0].objects + head().manifest.packs[1].objects, 3U);
}

TEST_F(TagWriterTest, PublishesAgainWhatOnlyALostPackHeld) {
  const auto mine = writer(*storage_);
  ASSERT_THAT(mine->publish(items({{"a", "1"}})), Succeeds());
  ASSERT_THAT(storage_->remove(pack_name(head().manifest.packs.front().digest)), Succeeds());

  ASSERT_THAT(writer(*storage_)->publish(items({{"a", "1"}})), Succeeds());

  EXPECT_EQ(head().manifest.packs.size(), 2U);
  metrics::Registry registry;
  TagView view(*storage_, {.own = tag_of("refs/heads/main"), .also = {}}, registry);
  ASSERT_THAT(view.refresh(), Succeeds());
  EXPECT_TRUE(view.find("a"));
  EXPECT_EQ(registry.total("hearth_tag_packs_skipped_total"), 1U);
}

TEST_F(TagWriterTest, BeginsAnewWhereTheManifestIsGone) {
  ASSERT_THAT(writer(*storage_)->publish(items({{"a", "1"}})), Succeeds());
  name_the_manifest();
  ASSERT_THAT(storage_->remove(manifest_name(*head().digest)), Succeeds());

  ASSERT_THAT(writer(*storage_)->publish(items({{"b", "2"}})), Succeeds());

  EXPECT_EQ(head().generation, 2U);
  EXPECT_THAT(contents(), UnorderedElementsAre(Pair("b", "2")));
}

TEST_F(TagWriterTest, AddsToTheirsAfterAConflict) {
  FaultyStorage faulty(*storage_);
  bool interfered = false;
  faulty.set_script([&](Operation operation, std::string_view) -> std::optional<tests::Fault> {
    if (operation == Operation::swap && !std::exchange(interfered, true)) {
      EXPECT_THAT(writer(*storage_)->publish(items({{"theirs", "1"}})), Succeeds());
    }
    return std::nullopt;
  });

  ASSERT_THAT(writer(faulty)->publish(items({{"mine", "2"}})), Succeeds());

  EXPECT_EQ(conflicts_, 1);
  EXPECT_THAT(contents(), UnorderedElementsAre(Pair("theirs", "1"), Pair("mine", "2")));
  EXPECT_EQ(packs_in_storage(), 2U);  // the pack was not uploaded again
}

// The pack that held "a" disappears from the tag between reading the head and swapping.
TEST_F(TagWriterTest, ChecksAgainAfterAConflictWhetherWhatItLeftOutIsStillLive) {
  ASSERT_THAT(writer(*storage_)->publish(items({{"a", "1"}})), Succeeds());
  FaultyStorage faulty(*storage_);
  bool interfered = false;
  faulty.set_script([&](Operation operation, std::string_view) -> std::optional<tests::Fault> {
    if (operation == Operation::swap && !std::exchange(interfered, true)) {
      const Manifest empty{.generation = 2, .previous = head().digest};
      EXPECT_THAT(replace_head(*storage_, tag_of("refs/heads/main"), head(), empty), Succeeds());
    }
    return std::nullopt;
  });

  ASSERT_THAT(writer(faulty)->publish(items({{"a", "1"}, {"b", "2"}})), Succeeds());

  EXPECT_THAT(contents(), UnorderedElementsAre(Pair("a", "1"), Pair("b", "2")));
}

TEST_F(TagWriterTest, TakesALostAnswerForWhatItWas) {
  FaultyStorage faulty(*storage_, once(Operation::swap, "", LoseAnswer{tests::timed_out()}));

  ASSERT_THAT(writer(faulty)->publish(items({{"a", "1"}})), Succeeds());

  EXPECT_EQ(head().generation, 1U);
  EXPECT_THAT(contents(), SizeIs(1));
}

TEST_F(TagWriterTest, ReportsAFailureThatWasOne) {
  FaultyStorage faulty(*storage_, once(Operation::swap, "", Refuse{tests::timed_out()}));

  EXPECT_THAT(writer(faulty)->publish(items({{"a", "1"}})), FailsWith(Errc::transient));

  EXPECT_THAT(contents(), IsEmpty());
}

TEST_F(TagWriterTest, UploadsNothingTwiceAfterAFailure) {
  FaultyStorage faulty(*storage_, once(Operation::swap, "", Refuse{tests::timed_out()}));
  const auto mine = writer(faulty);
  ASSERT_THAT(mine->publish(items({{"a", "1"}})), FailsWith(Errc::transient));

  ASSERT_THAT(mine->publish(items({{"a", "1"}, {"b", "2"}})), Succeeds());

  EXPECT_THAT(contents(), SizeIs(2));
  EXPECT_EQ(packs_in_storage(), 2U);
}

TEST_F(TagWriterTest, AFailedUploadIsRepeatedUnderItsName) {
  FaultyStorage faulty(*storage_, once(Operation::put, "packs/", LoseAnswer{tests::timed_out()}));
  const auto mine = writer(faulty);
  ASSERT_THAT(mine->publish(items({{"a", "1"}})), FailsWith(Errc::transient));

  ASSERT_THAT(mine->publish(items({{"a", "1"}})), Succeeds());

  EXPECT_EQ(packs_in_storage(), 1U);
  EXPECT_THAT(contents(), SizeIs(1));
}

TEST_F(TagWriterTest, PassesOnWhatRetryingCannotHelp) {
  for (const auto operation : {Operation::put, Operation::read, Operation::swap}) {
    FaultyStorage faulty(*storage_,
                         once(operation, "", Refuse{{.code = Errc::denied, .message = "403 Forbidden"}}));
    const auto published = writer(faulty)->publish(items({{"a", "1"}}));
    EXPECT_THAT(published, FailsWith(Errc::denied));
    EXPECT_THAT(published, FailsSaying("403"));
  }
  EXPECT_THAT(contents(), IsEmpty());
}

TEST_F(TagWriterTest, GivesUpWhenOthersAreAlwaysFaster) {
  FaultyStorage faulty(*storage_, [](Operation operation, std::string_view) -> std::optional<tests::Fault> {
    if (operation == Operation::swap) {
      return Refuse{{.code = Errc::conflict, .message = "409"}};
    }
    return std::nullopt;
  });

  EXPECT_THAT(writer(faulty)->publish(items({{"a", "1"}})), FailsWith(Errc::conflict));

  EXPECT_EQ(packs_in_storage(), 1U);
}

TEST_F(TagWriterTest, NeverBuildsOnAPointerItCannotRead) {
  FaultyStorage faulty(*storage_, once(Operation::read, "tags/", Truncate{.bytes = 20}));
  ASSERT_THAT(writer(*storage_)->publish(items({{"a", "1"}})), Succeeds());

  const auto published = writer(faulty)->publish(items({{"b", "2"}}));

  EXPECT_THAT(published, FailsWith(Errc::corrupt));
  EXPECT_THAT(published, FailsSaying("tags/"));
  EXPECT_THAT(published, FailsSaying("remove it"));
  EXPECT_THAT(contents(), SizeIs(1));
}

TEST_F(TagWriterTest, AddsToAManifestInAnObjectOfItsOwn) {
  ASSERT_THAT(writer(*storage_)->publish(items({{"a", "1"}})), Succeeds());
  name_the_manifest();

  ASSERT_THAT(writer(*storage_)->publish(items({{"b", "2"}})), Succeeds());

  EXPECT_EQ(head().generation, 2U);
  EXPECT_THAT(contents(), UnorderedElementsAre(Pair("a", "1"), Pair("b", "2")));
}

TEST_F(TagWriterTest, PublishesWithTwoUploads) {
  int uploads = 0;
  FaultyStorage counted(*storage_, [&](Operation operation, std::string_view) {
    uploads += operation == Operation::put || operation == Operation::swap ? 1 : 0;
    return std::nullopt;
  });

  ASSERT_THAT(writer(counted)->publish(items({{"a", "1"}, {"b", "2"}})), Succeeds());

  EXPECT_EQ(uploads, 2);
}

TEST_F(TagWriterTest, NeverBuildsOnAManifestItCannotRead) {
  ASSERT_THAT(writer(*storage_)->publish(items({{"a", "1"}})), Succeeds());
  name_the_manifest();
  FaultyStorage faulty(*storage_, once(Operation::read, "manifests/", Truncate{.bytes = 100}));

  EXPECT_THAT(writer(faulty)->publish(items({{"b", "2"}})), FailsWith(Errc::corrupt));

  EXPECT_THAT(contents(), SizeIs(1));
}

TEST_F(TagWriterTest, RefusesAPointerOfAnotherTag) {
  ASSERT_THAT(writer(*storage_)->publish(items({{"a", "1"}})), Succeeds());
  const auto pointer = storage_->read(*pointer_name(tag_of("refs/heads/main")));
  ASSERT_THAT(storage_->compare_and_swap(*pointer_name(tag_of("refs/pull/7/merge")), std::nullopt,
                                         (*pointer)->content),
              Succeeds());

  const auto published = writer(*storage_, "refs/pull/7/merge")->publish(items({{"b", "2"}}));

  EXPECT_THAT(published, FailsWith(Errc::corrupt));
  EXPECT_THAT(published, FailsSaying("refs/heads/main"));
}

TEST_F(TagWriterTest, NamesObjectsThatCannotBeReadAndPublishesTheRest) {
  auto batch = items({{"a", "1"}, {"b", "2"}, {"c", "3"}});
  batch[1].object.slice.size = 4096;  // beyond the end of its file

  const auto published = writer(*storage_)->publish(batch);

  ASSERT_THAT(published, Succeeds());
  EXPECT_THAT(published->unreadable, testing::ElementsAre("b"));
  EXPECT_THAT(contents(), UnorderedElementsAre(Pair("a", "1"), Pair("c", "3")));
}

TEST_F(TagWriterTest, LeavesNothingInItsFolder) {
  FaultyStorage faulty(*storage_, once(Operation::put, "packs/", Refuse{tests::timed_out()}));
  {
    const auto mine = writer(faulty);
    ASSERT_THAT(mine->publish(items({{"a", "1"}})), FailsWith(Errc::transient));
    EXPECT_FALSE(std::filesystem::is_empty(folder_.path() / "outgoing0"));
  }

  EXPECT_TRUE(std::filesystem::is_empty(folder_.path() / "outgoing0"));
}

TEST_F(TagWriterTest, GivesAPackUpBeforeItMayBeCollected) {
  ManualClock manual;
  FaultyStorage faulty(*storage_, once(Operation::swap, "", Refuse{tests::timed_out()}));
  TagWriter mine({.tag = tag_of("refs/heads/main"), .producer = "", .folder = folder_.path() / "mine"},
                 {.storage = faulty,
                  .clock = manual,
                  .packs = std::make_shared<PackCache>(),
                  .conflict = [] {},
                  .uploaded = [](std::uint64_t) {},
                  .pause = [](std::chrono::milliseconds) { return true; }});
  ASSERT_THAT(mine.publish(items({{"a", "1"}})), FailsWith(Errc::transient));
  manual.advance(std::chrono::hours(13));

  ASSERT_THAT(mine.publish(items({{"a", "1"}})), Succeeds());

  EXPECT_EQ(packs_in_storage(), 2U);
  EXPECT_EQ(head().manifest.packs.size(), 1U);
}

TEST_F(TagWriterTest, SixteenWritersLoseNothing) {
  constexpr int k_writers = 16;
  constexpr int k_batches = 3;
  conflict_pause_ = std::chrono::milliseconds(2);
  std::latch start(k_writers);
  {
    std::vector<std::jthread> threads;
    for (int w = 0; w < k_writers; ++w) {
      threads.emplace_back([&, w] {
        const auto storage = open_storage();
        const auto mine = writer(*storage);
        start.arrive_and_wait();
        for (int b = 0; b < k_batches; ++b) {
          const auto batch =
              items({{fmt::format("{}/{}", w, b), "own"}, {fmt::format("shared/{}", b), "same"}});
          auto published = mine->publish(batch);
          while (!published && published.error().code == Errc::conflict) {  // as the publisher does, later
            published = mine->publish(batch);
          }
          EXPECT_THAT(published, Succeeds());
        }
      });
    }
  }

  EXPECT_THAT(contents(), SizeIs((k_writers * k_batches) + k_batches));
}

}  // namespace
}  // namespace agent::publish
