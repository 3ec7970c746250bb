#include "agent/publish/background_compaction.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/core/guarded.hpp"

#include "tests/publish/tag_fixture.hpp"
#include "tests/support/counting_storage.hpp"

namespace agent::publish {
namespace {

using namespace std::chrono_literals;
using testing::SizeIs;
using tests::Succeeds;

class BackgroundCompactionTest : public TagFixture {
protected:
  void SetUp() override {
    const auto mine = writer(*storage_);
    for (int i = 0; i < 10; ++i) {
      ASSERT_THAT(mine->publish(items({{fmt::format("{}", i), std::string(1000, 'x')}})), Succeeds());
    }
  }

  std::unique_ptr<BackgroundCompaction> background() {
    return std::make_unique<BackgroundCompaction>(
        CompactorOptions{.tag = tag_of("refs/heads/main"),
                         .producer = "a test",
                         .folder = folder_.path() / "compacting",
                         .limits = {}},
        CompactorServices{
            .storage = counted_, .clock = clock_, .packs = std::make_shared<PackCache>(), .go_on = {}},
        CompactionHost{.may_begin = [this] { return !drain_.load(); },
                       .may_go_on = [this] { return !drain_.load(); },
                       .new_bytes = [this] { return new_bytes_.load(); },
                       .done =
                           [this](const Compacted& step) {
                             done_.change([&](std::size_t& packs) { packs += step.packs; });
                           },
                       .delay = 1ms});
  }

  // Of the pointer, besides packs and uploads.
  bool reads_of_the_tag(int count) const {
    const auto until = std::chrono::steady_clock::now() + 5s;
    const auto reads = [&] { return counted_.calls() - counted_.uploads() - counted_.pack_reads(); };
    while (reads() < count && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(1ms);
    }
    return reads() == count;
  }

  bool compacted(std::size_t packs, std::chrono::milliseconds wait = 5s) {
    return done_.wait_until({}, std::chrono::steady_clock::now() + wait,
                            [&](std::size_t so_far) { return so_far >= packs; });
  }

  tests::CountingStorage counted_{*storage_};
  std::atomic<bool> drain_{false};
  std::atomic<std::uint64_t> new_bytes_{1 << 20};
  Guarded<std::size_t> done_{std::size_t{0}};
};

TEST_F(BackgroundCompactionTest, BeginsWhenItIsWoken) {
  const auto mine = background();
  EXPECT_FALSE(compacted(1, 20ms));

  mine->wake();

  EXPECT_TRUE(compacted(10));
  EXPECT_THAT(contents(), SizeIs(10));
}

TEST_F(BackgroundCompactionTest, DoesNotBeginWhileSomebodyWaitsForAFlush) {
  drain_ = true;
  const auto mine = background();
  mine->wake();
  EXPECT_FALSE(compacted(1, 50ms));
  EXPECT_EQ(counted_.calls(), 0);

  drain_ = false;

  EXPECT_TRUE(compacted(10));
}

TEST_F(BackgroundCompactionTest, UploadsAtMostTwiceTheNewBytes) {
  new_bytes_ = 3000;
  const auto mine = background();
  mine->wake();
  EXPECT_FALSE(compacted(1, 50ms));
  EXPECT_EQ(counted_.uploads(), 0);

  new_bytes_ = 100'000;
  mine->wake();

  EXPECT_TRUE(compacted(10));
}

TEST_F(BackgroundCompactionTest, AsksTheStorageOnceWhereThereIsNothingToDo) {
  const auto mine = background();
  mine->wake();
  ASSERT_TRUE(compacted(10));
  // It looks once more by itself, and then once each time it is woken.
  ASSERT_TRUE(reads_of_the_tag(2));
  for (int i = 0; i < 3; ++i) {
    const auto before = counted_.calls();
    mine->wake();
    ASSERT_TRUE(reads_of_the_tag(3 + i));
    EXPECT_EQ(counted_.calls(), before + 1);
  }
}

TEST_F(BackgroundCompactionTest, EndsPromptly) {
  drain_ = true;
  auto mine = background();
  mine->wake();
  const auto begin = std::chrono::steady_clock::now();

  mine.reset();

  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
}

}  // namespace
}  // namespace agent::publish
