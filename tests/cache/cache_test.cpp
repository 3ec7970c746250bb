#include "agent/cache/cache.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "agent/publish/catalog.hpp"
#include "tests/cache/cache_fixture.hpp"

namespace agent::cache {
namespace {

using testing::ElementsAre;
using testing::Pair;
using tests::FailsWith;

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
    const std::string part(static_cast<std::size_t>(i) * 10, static_cast<char>('a' + (i % 26)));
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

TEST_F(CacheTest, DoesNotAnswerWithWhatSomebodyRemovedFromTheTag) {
  const auto mine = job_on(*disk_, "mine");
  ASSERT_THAT(mine->put("sccache/a", "poisoned"), Succeeds());
  ASSERT_THAT(mine->put("sccache/b", "sound"), Succeeds());
  mine->publish();
  const publish::TagId tag{
      .repository = "owner/name", .scope = "refs/heads/main", .tag = "rust-sccache-linux-x86_64"};
  ASSERT_THAT(publish::remove_objects(*disk_, clock_, tag, {"sccache/a"}), Succeeds());
  ASSERT_THAT(mine->tag().refresh(), Succeeds());

  EXPECT_EQ(mine->get("sccache/a"), "(miss)") << "nor with its own copy";
  EXPECT_FALSE(mine->cache().contains("sccache/a"));
  EXPECT_EQ(mine->get("sccache/b"), "sound");
  EXPECT_EQ(mine->cache().adopt_unpublished(), 0U);
  ASSERT_THAT(mine->put("sccache/a", "compiled anew"), Succeeds());
  EXPECT_EQ(mine->get("sccache/a"), "compiled anew");
  mine->publish();
  EXPECT_EQ(job_on(*disk_, "next")->get("sccache/a"), "compiled anew");
}

TEST_F(CacheTest, NotesWhatWasUsedOfTheTag) {
  publish("sccache/a", "one");
  publish("sccache/b", "two");
  const auto next = job_on(*disk_, "next");

  EXPECT_TRUE(next->cache().contains("sccache/b"));
  EXPECT_EQ(next->get("sccache/a"), "one");

  const auto used = next->tag().used();
  ASSERT_EQ(used.size(), 1U);
  EXPECT_EQ(used.front().objects, std::vector<bool>{true});
  const auto again = job_on(*disk_, "earlier");  // which has both in its own store
  EXPECT_EQ(again->get("sccache/b"), "two");
  EXPECT_EQ(again->tag().used().size(), 1U);
}

TEST_F(CacheTest, AdoptsNothingOfAnotherTag) {
  {
    Job other({.folder = folder_.path() / "one", .storage = disk_.get(), .tag = "other"});
    ASSERT_THAT(other.put("sccache/a", "other's"), Succeeds());
  }
  EXPECT_EQ(job_on(*disk_, "one")->cache().adopt_unpublished(), 0U);
}

}  // namespace
}  // namespace agent::cache
