// What becomes of lookups whose packs lie behind a network, and of backends that fail.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/cache/cache_fixture.hpp"
#include "tests/support/faulty_storage.hpp"
#include "tests/support/ranged_storage.hpp"

namespace agent::cache {
namespace {

using namespace std::chrono_literals;
using tests::FaultyStorage;
using tests::Operation;
using tests::RangedStorage;
using tests::Refuse;

TEST_F(CacheTest, FetchesByRangeOnceAndThenHasItLocally) {
  publish("sccache/a", "bytes");
  RangedStorage remote(*disk_);
  const auto next = job_on(remote, "next");
  const int before = remote.gets();

  EXPECT_EQ(next->get("sccache/a"), "bytes");
  EXPECT_EQ(next->get("sccache/a"), "bytes");

  EXPECT_EQ(remote.gets() - before, 1);
  EXPECT_EQ(next->store().figures().objects, 1U);
}

TEST_F(CacheTest, AnswersWhatWasStoredWhileAnOlderOneWasOnItsWay) {
  publish("sccache/a", "old");
  RangedStorage remote(*disk_);
  const auto next = job_on(remote, "next");
  remote.set_fate([&](std::string bytes) {
    EXPECT_THAT(next->put("sccache/a", "new"), Succeeds());
    return Result<std::optional<std::string>>(std::move(bytes));
  });

  EXPECT_EQ(next->get("sccache/a"), "new");
  EXPECT_EQ(next->get("sccache/a"), "new");
  EXPECT_EQ(next->store().figures().objects, 1U);
}

TEST_F(CacheTest, LeavesToAFetchWhatOnlyTheStorageHas) {
  publish("sccache/a", "bytes");
  RangedStorage remote(*disk_);
  const auto next = job_on(remote, "next");
  const int before = remote.gets();

  const auto found = next->cache().look_up("sccache/a");
  ASSERT_TRUE(found.elsewhere);
  EXPECT_FALSE(found.hit);
  EXPECT_EQ(remote.gets(), before);
  EXPECT_EQ(next->registry().total("hearth_lookups_hit_total"), 0U);

  EXPECT_TRUE(next->cache().fetch("sccache/a", *found.elsewhere));
  EXPECT_TRUE(next->cache().look_up("sccache/a").hit);
  EXPECT_EQ(next->registry().total("hearth_lookups_hit_total"), 2U);
  EXPECT_EQ(next->registry().total("hearth_lookups_missed_total"), 0U);
}

TEST_F(CacheTest, FetchesOnceForManyWhoAskAtTheSameTime) {
  constexpr int k_threads = 16;
  publish("sccache/a", "bytes");
  RangedStorage remote(*disk_);
  const auto next = job_on(remote, "next");
  remote.set_delay(50ms);
  const int before = remote.gets();
  std::latch start(k_threads);
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < k_threads; ++i) {
      threads.emplace_back([&] {
        start.arrive_and_wait();
        right += next->get("sccache/a") == "bytes" ? 1 : 0;
      });
    }
  }
  EXPECT_EQ(right, k_threads);
  EXPECT_EQ(remote.gets() - before, 1);
  EXPECT_EQ(next->registry().total("hearth_lookups_hit_total"), 16U);
}

TEST_F(CacheTest, DoesNotMakeOneObjectWaitForAnother) {
  publish("sccache/a", "bytes a");
  publish("sccache/b", "bytes b");
  RangedStorage remote(*disk_);
  const auto next = job_on(remote, "next");
  std::latch both(2);
  remote.set_fate([&](std::string bytes) {
    both.arrive_and_wait();  // would never return if one fetch waited for the other
    return Result<std::optional<std::string>>(std::move(bytes));
  });

  std::string other;
  std::jthread thread([&] { other = next->get("sccache/b"); });
  EXPECT_EQ(next->get("sccache/a"), "bytes a");
  thread.join();
  EXPECT_EQ(other, "bytes b");
}

TEST_F(CacheTest, MakesAMissOfBytesThatAreNotWhatWasStored) {
  publish("sccache/a", "bytes");
  RangedStorage remote(*disk_);
  const auto next = job_on(remote, "next");
  remote.set_fate([](std::string bytes) {
    bytes.front() ^= 1;
    return Result<std::optional<std::string>>(std::move(bytes));
  });

  EXPECT_EQ(next->get("sccache/a"), "(miss)");
  EXPECT_EQ(next->misses("corrupt"), 1U);

  const int before = remote.gets();
  EXPECT_EQ(next->get("sccache/a"), "(miss)");  // distrusted: not asked for again
  EXPECT_EQ(remote.gets(), before);
  EXPECT_EQ(next->misses("absent"), 1U);
  EXPECT_FALSE(next->cache().contains("sccache/a"));
}

TEST_F(CacheTest, PublishesAnewWhatWasCorrupt) {
  publish("sccache/a", "bytes");
  RangedStorage remote(*disk_);
  const auto next = job_on(remote, "next");
  remote.set_fate([](const std::string& bytes) {
    return Result<std::optional<std::string>>(std::string(bytes.size(), '?'));
  });
  ASSERT_EQ(next->get("sccache/a"), "(miss)");

  ASSERT_THAT(next->put("sccache/a", "bytes"), Succeeds());  // compiled again
  next->publish();

  EXPECT_EQ(next->publisher().figures().published, 1U);
}

TEST_F(CacheTest, MakesAMissOfABackendErrorAndAsksAgainLater) {
  publish("sccache/a", "bytes");
  RangedStorage remote(*disk_);
  const auto next = job_on(remote, "next");
  for (const auto& error : {tests::timed_out(), Error{.code = Errc::denied, .message = "403"}}) {
    remote.set_fate(
        [&](const std::string&) { return Result<std::optional<std::string>>(std::unexpected(error)); });
    EXPECT_EQ(next->get("sccache/a"), "(miss)");
  }
  EXPECT_EQ(next->misses("backend error"), 2U);

  remote.set_fate({});
  EXPECT_EQ(next->get("sccache/a"), "bytes");
}

TEST_F(CacheTest, MakesAMissOfAPackThatIsGone) {
  publish("sccache/a", "bytes");
  RangedStorage remote(*disk_);
  const auto next = job_on(remote, "next");
  const auto packs = disk_->list("packs/");
  ASSERT_EQ(packs->size(), 1U);
  ASSERT_THAT(disk_->remove(packs->front().name), Succeeds());

  EXPECT_EQ(next->get("sccache/a"), "(miss)");
  EXPECT_EQ(next->misses("pack gone"), 1U);
}

TEST_F(CacheTest, ReadsTheTagAgainWhenAPackWasReplaced) {
  publish("sccache/a", "bytes");
  RangedStorage remote(*disk_);
  const auto next = job_on(remote, "next");
  const auto packs = disk_->list("packs/");
  ASSERT_EQ(packs->size(), 1U);
  ASSERT_THAT(disk_->remove(packs->front().name), Succeeds());
  publish("sccache/a", "bytes");  // what compaction does: the same object in another pack

  EXPECT_EQ(next->get("sccache/a"), "bytes");
}

constexpr std::uint64_t k_copies = std::uint64_t{64} << 20U;

TEST_F(CacheTest, FetchesManyObjectsOfAPackAtOnce) {
  publish_many(50);
  RangedStorage remote(*disk_);
  const auto next = job("next", {.storage = &remote, .copies_bytes = k_copies});
  const auto before = remote.gets();
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(next->get(fmt::format("sccache/{}", i)), fmt::format("bytes of {}", i));
  }
  EXPECT_EQ(remote.gets(), before) << "the footer's chunk held them all";
  EXPECT_EQ(next->store().figures().objects, 0U) << "they stay in the copy";
}

TEST_F(CacheTest, AsksTheStorageForAnObjectWhoseCopyIsWrong) {
  publish_many(5);
  RangedStorage remote(*disk_);
  std::atomic<int> reads = 0;
  // The chunk with the footer comes with one wrong bit in an object; what is asked for after that is right.
  remote.set_fate([&](std::string bytes) -> Result<std::optional<std::string>> {
    if (reads++ == 0) {
      const auto at = bytes.find("bytes of 3");
      bytes[at] = 'B';
    }
    return bytes;
  });
  const auto next = job("next", {.storage = &remote, .copies_bytes = k_copies});
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(next->get(fmt::format("sccache/{}", i)), fmt::format("bytes of {}", i));
  }
  EXPECT_EQ(next->registry().total("hearth_lookups_missed_total"), 0U);
}

TEST_F(CacheTest, AnswersFromPreloadedPacksWithoutTheStorage) {
  const std::string large(std::size_t{3} << 20U, 'x');
  publish("sccache/a", large);
  RangedStorage remote(*disk_);
  const auto next = job("next", {.storage = &remote, .copies_bytes = k_copies});
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  EXPECT_GT(next->tag().preload(k_copies, deadline), std::uint64_t{1} << 20U);
  remote.set_fate([](const std::string&) {
    return Result<std::optional<std::string>>(std::unexpected(tests::timed_out()));
  });
  EXPECT_EQ(next->get("sccache/a"), large);
}

TEST_F(CacheTest, AnswersAFetchedObjectThatTheStoreCannotKeep) {
  const std::string large(std::size_t{3} << 20U, 'x');
  publish("sccache/a", large);
  RangedStorage remote(*disk_);
  const auto next = job("next", {.storage = &remote, .max_size_bytes = std::uint64_t{1} << 20U});

  EXPECT_EQ(next->get("sccache/a"), large);
  EXPECT_EQ(next->store().figures().objects, 0U);
  EXPECT_EQ(next->registry().total("hearth_lookups_hit_total"), 1U);
}

TEST_F(CacheTest, ServesTheTagWhileTheBackendCannotBeReached) {
  publish("sccache/a", "bytes");
  FaultyStorage faulty(*disk_);
  const auto next = job_on(faulty, "next");
  faulty.set_script([](Operation, std::string_view) { return Refuse{tests::timed_out()}; });

  EXPECT_EQ(next->get("sccache/a"), "bytes");  // its pack is open
  EXPECT_THAT(next->put("sccache/b", "stored"), Succeeds());
  EXPECT_EQ(next->get("sccache/b"), "stored");
  EXPECT_FALSE(next->tag().refresh().has_value());
  EXPECT_EQ(next->get("sccache/a"), "bytes");
}

}  // namespace
}  // namespace agent::cache
