#include "agent/store/store.hpp"

#include <gtest/gtest.h>

#include "agent/io/checksum.hpp"
#include "agent/io/file.hpp"
#include "agent/store/pack_reader.hpp"
#include "tests/store/store_fixture.hpp"

namespace agent::store {
namespace {

using tests::FailsWith;
using tests::get;
using tests::put;
using tests::random_bytes;
using tests::Succeeds;

using StoreBasics = tests::StoreTest;

TEST_F(StoreBasics, FindsWhatWasPut) {
  auto& store = open();

  const auto stored = put(store, "sccache/a", "hello");

  ASSERT_THAT(stored, Succeeds());
  EXPECT_EQ(stored->digest, io::sha256(io::bytes_of("hello")));
  EXPECT_EQ(stored->crc32c, io::crc32c(io::bytes_of("hello")));
  EXPECT_EQ(get(store, "sccache/a"), "hello");
  EXPECT_TRUE(store.contains("sccache/a"));
  EXPECT_EQ(get(store, "sccache/b"), std::nullopt);
  EXPECT_FALSE(store.contains("sccache/b"));
}

TEST_F(StoreBasics, KeepsObjectsOfEverySizeApart) {
  options_.segment_bytes = 256 << 10U;
  auto& store = open();
  const std::vector<std::size_t> sizes{0, 1, 7, 8, 4095, 4096, 65'535, 65'536, 70'000, 200'000, 3'000'000};

  for (const auto size : sizes) {
    ASSERT_THAT(put(store, "k" + std::to_string(size), random_bytes(size, static_cast<unsigned>(size))),
                Succeeds());
  }

  for (const auto size : sizes) {
    EXPECT_EQ(get(store, "k" + std::to_string(size)), random_bytes(size, static_cast<unsigned>(size)))
        << size;
  }
  EXPECT_EQ(store.figures().objects, sizes.size());
}

TEST_F(StoreBasics, TakesAnObjectInPieces) {
  auto& store = open();
  const auto content = random_bytes(300'000, 1);
  auto incoming = store.reserve(content.size());
  ASSERT_THAT(incoming, Succeeds());

  for (std::size_t at = 0; at < content.size(); at += 17'000) {
    ASSERT_THAT(incoming->write(io::bytes_of(std::string_view(content).substr(at, 17'000))), Succeeds());
  }

  ASSERT_THAT(std::move(*incoming).commit("pieces"), Succeeds());
  EXPECT_EQ(get(store, "pieces"), content);
}

TEST_F(StoreBasics, TheNewestOfAKeyCounts) {
  auto& store = open();
  ASSERT_THAT(put(store, "k", "old"), Succeeds());

  ASSERT_THAT(put(store, "k", "newer"), Succeeds());

  EXPECT_EQ(get(store, "k"), "newer");
  EXPECT_EQ(store.figures().objects, 1U);
  EXPECT_EQ(store.figures().bytes, 5U);
}

TEST_F(StoreBasics, AnObjectThatIsKeptIsWhatTheKeyHasFromThenOn) {
  auto& store = open();
  ASSERT_THAT(put(store, "key", "first"), Succeeds());
  auto incoming = store.reserve(6, 3);
  ASSERT_THAT(incoming, Succeeds());
  ASSERT_THAT(incoming->write(io::bytes_of("second")), Succeeds());

  {
    const auto kept = std::move(*incoming).commit("key", Present::kept);
    ASSERT_THAT(kept, Succeeds());
    EXPECT_EQ(io::read_slice(kept->slice, 100, "key"), "first");
  }
  EXPECT_EQ(get(store, "key"), "first");
  EXPECT_EQ(store.figures().objects, 1U);
  EXPECT_EQ(get(open(), "key"), "first");
}

TEST_F(StoreBasics, AReplacedObjectStaysReadableWhileHeld) {
  auto& store = open();
  const auto old = put(store, "k", random_bytes(100'000, 1));

  ASSERT_THAT(put(store, "k", "new"), Succeeds());
  store.remove("k");

  EXPECT_EQ(io::read_slice(old->slice, 100'000, "held").value_or(""), random_bytes(100'000, 1));
  EXPECT_FALSE(store.contains("k"));
}

TEST_F(StoreBasics, AnObjectOutlivesItsStore) {
  const auto held = put(open(), "k", random_bytes(100'000, 1));

  store_.reset();

  EXPECT_EQ(io::read_slice(held->slice, 100'000, "held").value_or(""), random_bytes(100'000, 1));
}

TEST_F(StoreBasics, RemovedIsAbsentAndStaysSo) {
  ASSERT_THAT(put(open(), "k", "x"), Succeeds());
  ASSERT_THAT(put(*store_, "other", "y"), Succeeds());

  store_->remove("k");
  store_->remove("never there");

  EXPECT_EQ(get(*store_, "k"), std::nullopt);
  EXPECT_EQ(get(open(), "k"), std::nullopt);
  EXPECT_EQ(get(*store_, "other"), "y");
}

TEST_F(StoreBasics, RefusesMoreOrLessThanWasReserved) {
  auto& store = open();
  auto more = store.reserve(3);
  auto fewer = store.reserve(3);

  EXPECT_THAT(more->write(io::bytes_of("1234")), FailsWith(Errc::invalid));
  ASSERT_THAT(fewer->write(io::bytes_of("12")), Succeeds());
  EXPECT_THAT(std::move(*fewer).commit("k"), FailsWith(Errc::invalid));
  EXPECT_FALSE(store.contains("k"));
}

TEST_F(StoreBasics, RefusesBadKeys) {
  auto& store = open();

  EXPECT_THAT(store.reserve(0)->write({}), Succeeds());
  EXPECT_THAT(std::move(*store.reserve(0)).commit(""), FailsWith(Errc::invalid));
  EXPECT_THAT(std::move(*store.reserve(0)).commit(std::string(1025, 'k')), FailsWith(Errc::invalid));
  EXPECT_THAT(std::move(*store.reserve(0, 3)).commit("long"), FailsWith(Errc::invalid));
  EXPECT_THAT(store.reserve(0, 1025), FailsWith(Errc::invalid));
  EXPECT_THAT(std::move(*store.reserve(0)).commit(std::string(1024, 'k')), Succeeds());
}

TEST_F(StoreBasics, RefusesWhatCanNeverFit) {
  options_.max_size_bytes = 1 << 20U;
  auto& store = open();

  EXPECT_THAT(store.reserve(1 << 20U), FailsWith(Errc::invalid));
  EXPECT_THAT(store.reserve(k_max_object_bytes + 1), FailsWith(Errc::invalid));
}

TEST_F(StoreBasics, AnAbandonedObjectGivesItsSpaceBack) {
  auto& store = open();
  ASSERT_THAT(put(store, "first", "x"), Succeeds());
  const auto before = store.figures().reserved_bytes;

  for (int i = 0; i < 20; ++i) {
    auto unwritten = store.reserve(1 << 20U);
    ASSERT_THAT(unwritten, Succeeds());
    auto written = store.reserve(1 << 20U);
    ASSERT_THAT(written, Succeeds());
    ASSERT_THAT(written->write(io::bytes_of(std::string(100'000, 'x'))), Succeeds());
  }
  ASSERT_THAT(store.seal(), Succeeds());

  EXPECT_LE(store.figures().reserved_bytes, before);
  EXPECT_EQ(get(store, "first"), "x");
}

TEST_F(StoreBasics, ASecondOwnerIsAConflict) {
  open();

  EXPECT_THAT(Store::open(options_, registry_), FailsWith(Errc::conflict));
}

TEST_F(StoreBasics, AFreedFolderCanBeOwnedAgain) {
  open();
  store_.reset();

  EXPECT_THAT(Store::open(options_, registry_), Succeeds());
}

TEST_F(StoreBasics, ASealedSegmentIsAPack) {
  auto& store = open();
  ASSERT_THAT(put(store, "b", "two"), Succeeds());
  ASSERT_THAT(put(store, "a", "one"), Succeeds());
  ASSERT_THAT(put(store, "gone", "zero"), Succeeds());
  store.remove("gone");

  ASSERT_THAT(store.seal(), Succeeds());

  ASSERT_EQ(segments().size(), 1U);
  const auto pack = PackIndex::of_file(io::slice_of_file(segments()[0].string()).value());
  ASSERT_THAT(pack, Succeeds());
  std::vector<std::string> keys;
  pack->each([&](const PackEntry& entry) { keys.emplace_back(entry.key); });
  EXPECT_EQ(keys, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(get(store, "a"), "one");
}

TEST_F(StoreBasics, WritesGoOnWhileASegmentWaitsForItsWriter) {
  auto& store = open();
  auto slow = store.reserve(5);
  ASSERT_THAT(store.seal(), Succeeds());

  ASSERT_THAT(put(store, "fast", "x"), Succeeds());
  ASSERT_THAT(slow->write(io::bytes_of("12345")), Succeeds());
  ASSERT_THAT(std::move(*slow).commit("slow"), Succeeds());

  EXPECT_EQ(get(open(), "slow"), "12345");
  EXPECT_EQ(get(*store_, "fast"), "x");
}

TEST_F(StoreBasics, CountsInTheRegistry) {
  auto& store = open();
  ASSERT_THAT(put(store, "a", "12345"), Succeeds());
  ASSERT_THAT(put(store, "b", "123"), Succeeds());
  store.remove("b");

  EXPECT_EQ(registry_.total("hearth_store_objects"), 1U);
  EXPECT_EQ(registry_.total("hearth_store_bytes"), 5U);
}

TEST_F(StoreBasics, ScrubFindsAChangedByteThatWasRead) {
  auto& store = open();
  const auto stored = put(store, "bad", random_bytes(10'000, 1));
  ASSERT_THAT(put(store, "good", random_bytes(10'000, 2)), Succeeds());
  ASSERT_THAT(io::write_all_at(stored->slice.fd, io::bytes_of("!"), stored->slice.offset + 5000, "test"),
              Succeeds());

  EXPECT_EQ(store.scrub_some(1 << 20U).value_or(99), 1U);

  EXPECT_EQ(get(store, "bad"), std::nullopt);
  EXPECT_NE(get(store, "good"), std::nullopt);
  EXPECT_EQ(store.figures().quarantined, 1U);
  EXPECT_EQ(registry_.total("hearth_store_quarantined_total"), 1U);
}

TEST_F(StoreBasics, ScrubGoesOnWhereItEnded) {
  auto& store = open();
  std::vector<Stored> stored;
  for (unsigned i = 0; i < 50; ++i) {
    stored.push_back(put(store, "k" + std::to_string(i), random_bytes(1000, i)).value());
  }
  for (const auto& object : stored) {
    ASSERT_THAT(io::write_all_at(object.slice.fd, io::bytes_of("####"), object.slice.offset, "test"),
                Succeeds());
  }

  std::uint64_t corrupt = 0;
  int calls = 0;
  for (; corrupt < 50 && calls < 50; ++calls) {
    corrupt += store.scrub_some(5000).value_or(0);
  }

  EXPECT_EQ(corrupt, 50U);
  EXPECT_GE(calls, 5);
  EXPECT_EQ(store.figures().objects, 0U);
}

}  // namespace
}  // namespace agent::store
