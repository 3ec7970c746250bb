// The publisher against storages that say how they want to be written to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <thread>

#include "agent/publish/tag_head.hpp"
#include "tests/publish/tag_fixture.hpp"
#include "tests/support/counting_storage.hpp"
#include "tests/support/faulty_storage.hpp"

namespace agent::publish {
namespace {

using namespace std::chrono_literals;
using testing::SizeIs;
using tests::CountingStorage;
using tests::FailsSaying;
using tests::FailsWith;
using tests::Operation;
using tests::Succeeds;

class PublisherPace : public TagFixture {
protected:
  std::unique_ptr<Publisher> publisher(backends::ObjectStorage& storage) {
    PublisherOptions options;
    options.tag = tag_of("refs/heads/main");
    options.spool = folder_.path() / "spool";
    options.compaction_delay = 1ms;
    return std::make_unique<Publisher>(
        options, PublisherServices{.storage = &storage, .clock = &manual_, .registry = &registry_});
  }

  void add(Publisher& to, int number) const {
    to.add(fmt::format("key/{}", number), object(fmt::format("content {}", number)));
  }

  // Turns the clock and waits until the publisher has published so many, or shortly for it not to.
  bool publishes(Publisher& mine, std::uint64_t count, std::chrono::milliseconds real_time = 5s) {
    const auto until = std::chrono::steady_clock::now() + real_time;
    do {
      mine.wake();
      std::this_thread::sleep_for(1ms);
      if (mine.figures().published >= count) {
        return true;
      }
    } while (std::chrono::steady_clock::now() < until);
    return false;
  }

  static bool compacts(const Publisher& mine) {
    const auto until = std::chrono::steady_clock::now() + 5s;
    while (mine.figures().compacted_packs == 0 && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(1ms);
    }
    return mine.figures().compacted_packs > 0;
  }

  ManualClock manual_;
  metrics::Registry registry_;
};

TEST_F(PublisherPace, WaitsForAgeWhereIdlenessIsNoReason) {
  CountingStorage storage(*storage_, {.flush_age = 5min});
  const auto mine = publisher(storage);
  add(*mine, 0);
  manual_.advance(4min);
  EXPECT_FALSE(publishes(*mine, 1, 20ms));

  manual_.advance(1min);

  EXPECT_TRUE(publishes(*mine, 1));
  EXPECT_EQ(storage.uploads(), 2);
}

TEST_F(PublisherPace, FlushesAtTheBytesOfTheStorage) {
  CountingStorage storage(*storage_, {.flush_bytes = 1000, .flush_age = 5min});
  const auto mine = publisher(storage);

  mine->add("big", object(std::string(1000, 'x')));

  EXPECT_TRUE(publishes(*mine, 1));
}

TEST_F(PublisherPace, KeepsToUploadsPerMinuteAndLeavesSomeForADrain) {
  CountingStorage storage(*storage_, {.uploads_per_minute = 6});
  const auto mine = publisher(storage);
  for (int i = 0; i < 3; ++i) {
    add(*mine, i);
    manual_.advance(2s);
    publishes(*mine, static_cast<std::uint64_t>(i) + 1, 30ms);
  }
  EXPECT_EQ(mine->figures().published, 2U);
  EXPECT_EQ(storage.uploads(), 4);

  EXPECT_THAT(mine->flush(5s), Succeeds());
  EXPECT_EQ(mine->figures().published, 3U);
  EXPECT_EQ(storage.uploads(), 6);
}

TEST_F(PublisherPace, ADrainWaitsForTheBudgetOnlyOnceTheReserveIsSpentToo) {
  CountingStorage storage(*storage_, {.uploads_per_minute = 6});
  const auto mine = publisher(storage);
  for (int i = 0; i < 3; ++i) {
    add(*mine, i);
    ASSERT_THAT(mine->flush(5s), Succeeds());
  }

  add(*mine, 3);
  const auto flushed = mine->flush(30ms);
  EXPECT_THAT(flushed, FailsWith(Errc::cancelled));
  EXPECT_EQ(storage.uploads(), 6);
  EXPECT_EQ(mine->figures().pending, 1U);

  manual_.advance(1min);
  EXPECT_THAT(mine->flush(5s), Succeeds());
  EXPECT_THAT(contents(), SizeIs(4));
}

TEST_F(PublisherPace, AnswersConflictsOfADrainWhateverTheBudget) {
  CountingStorage counted(*storage_, {.uploads_per_minute = 2});
  tests::FaultyStorage faulty(counted);
  std::atomic<int> conflicts{5};
  faulty.set_script([&](Operation operation, std::string_view) -> std::optional<tests::Fault> {
    if (operation == Operation::swap && conflicts-- > 0) {
      return tests::Refuse{{.code = Errc::conflict, .message = "409"}};
    }
    return std::nullopt;
  });
  const auto mine = publisher(faulty);
  add(*mine, 0);

  EXPECT_THAT(mine->flush(5s), Succeeds());

  EXPECT_EQ(mine->figures().conflicts, 5U);
}

TEST_F(PublisherPace, ABackgroundFlushWaitsForTheBudgetBeforeItAnswersAConflict) {
  CountingStorage counted(*storage_, {.uploads_per_minute = 4});
  tests::FaultyStorage faulty(counted);
  std::atomic<int> swaps{0};
  faulty.set_script([&](Operation operation, std::string_view) -> std::optional<tests::Fault> {
    if (operation == Operation::swap && ++swaps <= 3) {
      return tests::Refuse{{.code = Errc::conflict, .message = "409"}};
    }
    return std::nullopt;
  });
  const auto mine = publisher(faulty);
  add(*mine, 0);
  manual_.advance(2s);
  EXPECT_FALSE(publishes(*mine, 1, 200ms));
  EXPECT_EQ(swaps, 2);

  EXPECT_THAT(mine->flush(5s), Succeeds());  // until somebody waits for it
  EXPECT_EQ(swaps, 4);
}

TEST_F(PublisherPace, BringsThePacksOfShortFlushesTogether) {
  const auto mine = publisher(*storage_);
  for (int i = 0; i < 10; ++i) {
    add(*mine, i);
    manual_.advance(2s);
    ASSERT_TRUE(publishes(*mine, static_cast<std::uint64_t>(i) + 1));
  }

  ASSERT_TRUE(compacts(*mine));

  EXPECT_THAT(contents(), SizeIs(10));
  const auto head = read_head(*storage_, tag_of("refs/heads/main"));
  EXPECT_LE(head->manifest.packs.size(), 3U);
  EXPECT_LE(mine->figures().compacted_bytes, 2 * mine->figures().bytes_published);
  EXPECT_EQ(registry_.total("hearth_publish_compacted_packs_total"), mine->figures().compacted_packs);
}

TEST_F(PublisherPace, MakesRoomBeforeTheDrainWhereATagShouldHaveFewPacks) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_THAT(writer(*storage_)->publish(items({{fmt::format("old/{}", i), "small"}})), Succeeds());
  }
  CountingStorage storage(*storage_, {.uploads_per_minute = 6, .flush_age = 5min, .packs = 3});
  const auto mine = publisher(storage);

  mine->add("new", object(std::string(100'000, 'x')));

  ASSERT_TRUE(compacts(*mine));
  EXPECT_LE(read_head(*storage_, tag_of("refs/heads/main"))->manifest.packs.size(), 2U);
  EXPECT_THAT(mine->flush(5s), Succeeds());
  EXPECT_EQ(storage.uploads(), 4);
  EXPECT_THAT(contents(), SizeIs(4));
}

}  // namespace
}  // namespace agent::publish
