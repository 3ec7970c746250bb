#include "agent/cache/cache.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/cache/job.hpp"
#include "tests/support/faulty_storage.hpp"
#include "tests/support/ranged_storage.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::cache {
namespace {

using namespace std::chrono_literals;
using publish::Mode;
using testing::ElementsAre;
using testing::Pair;
using tests::FailsWith;
using tests::FaultyStorage;
using tests::Job;
using tests::Operation;
using tests::RangedStorage;
using tests::Refuse;
using tests::Succeeds;

class CacheTest : public testing::Test {
protected:
  std::unique_ptr<Job> job(const std::string& name, tests::JobOptions options = {}) {
    options.folder = folder_.path() / name;
    return std::make_unique<Job>(options);
  }
  std::unique_ptr<Job> job_on(backends::ObjectStorage& storage, const std::string& name,
                              Mode mode = Mode::read_write) {
    return job(name, {.storage = &storage, .mode = mode});
  }
  // Leaves `key` with `bytes` in the tag, published by a job that is over.
  void publish(std::string_view key, std::string_view bytes) {
    const auto earlier = job_on(*disk_, "earlier");
    ASSERT_THAT(earlier->put(key, bytes), Succeeds());
    earlier->publish();
  }

  // "sccache/0", "sccache/1", … in one pack.
  void publish_many(int count) {
    const auto earlier = job_on(*disk_, "earlier");
    for (int i = 0; i < count; ++i) {
      ASSERT_THAT(earlier->put(fmt::format("sccache/{}", i), fmt::format("bytes of {}", i)), Succeeds());
    }
    earlier->publish();
  }

  SystemClock clock_;
  tests::TempFolder folder_{tests::memory_folder()};
  std::unique_ptr<backends::ObjectStorage> disk_ =
      *backends::DiskDirectory::open(folder_.path() / "backend", clock_);
};

TEST_F(CacheTest, FindsWhatThisJobStored) {
  const auto one = job_on(*disk_, "one");
  EXPECT_EQ(one->get("sccache/a"), "(miss)");

  ASSERT_THAT(one->put("sccache/a", "bytes"), Succeeds());

  EXPECT_EQ(one->get("sccache/a"), "bytes");
  EXPECT_TRUE(one->cache().contains("sccache/a"));
  EXPECT_FALSE(one->cache().contains("sccache/b"));
  EXPECT_EQ(one->registry().total("hearth_lookups_hit_total"), 1U);
  EXPECT_EQ(one->registry().total("hearth_read_bytes_total"), 5U);
  EXPECT_EQ(one->registry().total("hearth_stores_total"), 1U);
  EXPECT_EQ(one->registry().total("hearth_written_bytes_total"), 5U);
  EXPECT_EQ(one->misses("absent"), 1U);
}

TEST_F(CacheTest, FindsWhatAnEarlierJobPublished) {
  publish("sccache/a", "bytes");

  const auto next = job_on(*disk_, "next");

  EXPECT_TRUE(next->cache().contains("sccache/a"));
  EXPECT_EQ(next->get("sccache/a"), "bytes");
  EXPECT_EQ(next->registry().total("hearth_lookups_hit_total"), 1U);
  EXPECT_EQ(next->registry().total("hearth_lookups_missed_total"), 0U);
}

TEST_F(CacheTest, PrefersWhatThisJobStoredOverTheTag) {
  publish("sccache/a", "old");
  const auto next = job_on(*disk_, "next");

  ASSERT_THAT(next->put("sccache/a", "new"), Succeeds());

  EXPECT_EQ(next->get("sccache/a"), "new");
}

TEST_F(CacheTest, WorksWithoutABackend) {
  const auto alone = job("alone");
  EXPECT_EQ(alone->get("sccache/a"), "(miss)");
  ASSERT_THAT(alone->put("sccache/a", "bytes"), Succeeds());
  EXPECT_EQ(alone->get("sccache/a"), "bytes");
  EXPECT_EQ(alone->misses("absent"), 1U);
  EXPECT_EQ(alone->publisher().figures().published, 0U);
}

TEST_F(CacheTest, StoresObjectsOfUnknownLength) {
  const auto one = job_on(*disk_, "one");
  std::string expected;
  auto write = one->cache().begin("sccache/a", std::nullopt);
  ASSERT_THAT(write, Succeeds());
  for (int i = 0; i < 300; ++i) {
    const std::string part(static_cast<std::size_t>(i) * 10, static_cast<char>('a' + i % 26));
    ASSERT_THAT(write->write(io::bytes_of(part)), Succeeds());
    expected += part;
  }
  EXPECT_EQ(one->get("sccache/a"), "(miss)");  // not before it is whole

  ASSERT_THAT((*std::move(write)).commit(), Succeeds());

  EXPECT_EQ(one->get("sccache/a"), expected);
  one->publish();
  EXPECT_EQ(job_on(*disk_, "next")->get("sccache/a"), expected);
}

TEST_F(CacheTest, StoresEmptyObjects) {
  const auto one = job_on(*disk_, "one");
  ASSERT_THAT(one->put("sccache/known", ""), Succeeds());
  auto write = one->cache().begin("sccache/unknown", std::nullopt);
  ASSERT_THAT(write, Succeeds());
  ASSERT_THAT((*std::move(write)).commit(), Succeeds());

  EXPECT_EQ(one->get("sccache/known"), "");
  EXPECT_EQ(one->get("sccache/unknown"), "");
}

TEST_F(CacheTest, KeepsNothingOfAWriteThatWasDropped) {
  const auto one = job_on(*disk_, "one");
  {
    auto write = one->cache().begin("sccache/a", 10);
    ASSERT_THAT(write, Succeeds());
    ASSERT_THAT(write->write(io::bytes_of("12345")), Succeeds());
  }
  EXPECT_EQ(one->get("sccache/a"), "(miss)");
  EXPECT_EQ(one->store().figures().objects, 0U);
  EXPECT_EQ(one->publisher().figures().pending, 0U);
}

TEST_F(CacheTest, RefusesObjectsThatAreTooLarge) {
  const auto one = job("one", {.storage = disk_.get(), .max_object_bytes = 1000});

  EXPECT_THAT(one->cache().begin("sccache/a", 1001), FailsWith(Errc::invalid));
  auto write = one->cache().begin("sccache/a", std::nullopt);
  ASSERT_THAT(write, Succeeds());
  EXPECT_THAT(write->write(io::bytes_of(std::string(600, 'x'))), Succeeds());
  EXPECT_THAT(write->write(io::bytes_of(std::string(401, 'x'))), FailsWith(Errc::invalid));
  EXPECT_THAT(one->put("sccache/a", std::string(1000, 'x')), Succeeds());
  EXPECT_EQ(one->registry().total("hearth_stores_failed_total"), 1U);
}

TEST_F(CacheTest, RefusesKeysThatTheStoreCannotHold) {
  const auto one = job_on(*disk_, "one");
  EXPECT_THAT(one->cache().begin("", 1), FailsWith(Errc::invalid));
  EXPECT_THAT(one->cache().begin(std::string(1100, 'k'), 1), FailsWith(Errc::invalid));
  EXPECT_THAT(one->cache().begin(std::string(1100, 'k'), std::nullopt), FailsWith(Errc::invalid));

  const std::string longest(1007, 'k');
  EXPECT_THAT(one->put(longest, "bytes"), Succeeds());
  EXPECT_EQ(one->get(longest), "bytes");
  EXPECT_EQ(one->get(std::string(5000, 'k')), "(miss)");
}

TEST_F(CacheTest, ReportsAFullStore) {
  const auto one = job("one", {.max_size_bytes = std::uint64_t{1} << 20U});
  EXPECT_FALSE(one->cache().begin("sccache/a", std::uint64_t{2} << 20U).has_value());
  EXPECT_EQ(one->registry().total("hearth_stores_failed_total"), 1U);
}

TEST_F(CacheTest, KeepsTagsInOneStoreApart) {
  const auto folder = folder_.path() / "shared";
  {
    Job rust({.folder = folder, .tag = "rust"});
    ASSERT_THAT(rust.put("sccache/a", "rust's"), Succeeds());
  }
  {
    Job cpp({.folder = folder, .tag = "cpp"});
    EXPECT_EQ(cpp.get("sccache/a"), "(miss)");
    ASSERT_THAT(cpp.put("sccache/a", "cpp's"), Succeeds());
  }
  Job rust({.folder = folder, .tag = "rust"});
  EXPECT_EQ(rust.get("sccache/a"), "rust's");
}

TEST_F(CacheTest, LooksUpNothingInWriteOnlyMode) {
  publish("sccache/a", "bytes");
  const auto next = job_on(*disk_, "next", Mode::write_only);

  EXPECT_EQ(next->get("sccache/a"), "(miss)");
  EXPECT_FALSE(next->cache().contains("sccache/a"));
  EXPECT_EQ(next->misses("lookups are off"), 1U);
  ASSERT_THAT(next->put("sccache/b", "stored"), Succeeds());
  EXPECT_EQ(next->get("sccache/b"), "(miss)");
  next->publish();

  EXPECT_EQ(job_on(*disk_, "reader")->get("sccache/b"), "stored");
}

TEST_F(CacheTest, TakesAndDropsEverythingInOffMode) {
  const auto off = job("off", {.mode = Mode::off});

  EXPECT_THAT(off->put("sccache/a", "bytes"), Succeeds());
  auto unknown = off->cache().begin("sccache/b", std::nullopt);
  ASSERT_THAT(unknown, Succeeds());
  EXPECT_THAT(unknown->write(io::bytes_of("bytes")), Succeeds());
  EXPECT_THAT((*std::move(unknown)).commit(), Succeeds());

  EXPECT_EQ(off->get("sccache/a"), "(miss)");
  EXPECT_EQ(off->store().figures().objects, 0U);
  EXPECT_EQ(off->registry().total("hearth_stores_total"), 0U);
}

TEST_F(CacheTest, KeepsObjectsForThisJobInReadOnlyMode) {
  publish("sccache/a", "bytes");
  const auto reader = job_on(*disk_, "reader", Mode::read_only);

  EXPECT_EQ(reader->get("sccache/a"), "bytes");
  ASSERT_THAT(reader->put("sccache/b", "mine"), Succeeds());
  EXPECT_EQ(reader->get("sccache/b"), "mine");
  reader->publish();

  EXPECT_THAT(reader->publisher().figures().refused, ElementsAre(Pair("read-only", 1U)));
  EXPECT_EQ(job_on(*disk_, "next")->get("sccache/b"), "(miss)");
}

TEST_F(CacheTest, AdoptsWhatAKilledAgentHadNotPublished) {
  publish("sccache/published", "known");
  {
    const auto killed = job_on(*disk_, "one");
    ASSERT_THAT(killed->put("sccache/published", "known"), Succeeds());
    ASSERT_THAT(killed->put("sccache/a", "pending a"), Succeeds());
    ASSERT_THAT(killed->put("sccache/b", "pending b"), Succeeds());
  }
  const auto successor = job_on(*disk_, "one");

  EXPECT_EQ(successor->cache().adopt_unpublished(), 2U);
  successor->publish();

  const auto next = job_on(*disk_, "next");
  EXPECT_EQ(next->get("sccache/a"), "pending a");
  EXPECT_EQ(next->get("sccache/b"), "pending b");
}

TEST_F(CacheTest, AdoptsNothingOfAnotherTag) {
  {
    Job other({.folder = folder_.path() / "one", .storage = disk_.get(), .tag = "other"});
    ASSERT_THAT(other.put("sccache/a", "other's"), Succeeds());
  }
  EXPECT_EQ(job_on(*disk_, "one")->cache().adopt_unpublished(), 0U);
}

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
