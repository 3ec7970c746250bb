// What is there after a restart, an orderly one and any other.
#include <gtest/gtest.h>

#include <fcntl.h>

#include <algorithm>
#include <chrono>

#include "agent/io/checksum.hpp"
#include "agent/io/file.hpp"
#include "agent/io/little_endian.hpp"
#include "agent/store/pack_format.hpp"
#include "agent/store/store.hpp"
#include "tests/store/store_fixture.hpp"

namespace agent::store {
namespace {

using tests::get;
using tests::put;
using tests::random_bytes;
using tests::Succeeds;

class Recovery : public tests::StoreTest {
protected:
  // Overwrites bytes of a segment file that no store has open.
  static void damage(const io::fs::path& segment, std::uint64_t offset, std::string_view bytes) {
    const auto file = io::open_file(segment, O_RDWR);
    ASSERT_THAT(file, Succeeds());
    ASSERT_THAT(io::write_all_at(file->get(), io::bytes_of(bytes), offset, "segment"), Succeeds());
  }

  static std::uint64_t record_bytes(std::string_view key, std::string_view content) {
    return record_extent(
        {.payload_size = content.size(), .key_room = static_cast<std::uint16_t>(key.size())});
  }
};

TEST_F(Recovery, AnOrderlyRestartKeepsEverything) {
  options_.segment_bytes = 256 << 10U;
  open();
  for (unsigned i = 0; i < 100; ++i) {
    ASSERT_THAT(put(*store_, "k" + std::to_string(i), random_bytes(10'000, i)), Succeeds());
  }

  open();

  EXPECT_EQ(store_->figures().objects, 100U);
  for (unsigned i = 0; i < 100; ++i) {
    EXPECT_EQ(get(*store_, "k" + std::to_string(i)), random_bytes(10'000, i));
  }
}

TEST_F(Recovery, AKilledProcessLosesNothingItAcknowledged) {
  options_.segment_bytes = 256 << 10U;
  open();
  for (unsigned i = 0; i < 100; ++i) {
    ASSERT_THAT(put(*store_, "k" + std::to_string(i), random_bytes(10'000, i)), Succeeds());
  }
  auto unfinished = store_->reserve(50'000);
  ASSERT_THAT(unfinished->write(io::bytes_of(random_bytes(49'999, 7))), Succeeds());
  ASSERT_THAT(put(*store_, "after", "x"), Succeeds());

  crash();
  open();

  EXPECT_EQ(store_->figures().objects, 101U);
  for (unsigned i = 0; i < 100; ++i) {
    EXPECT_EQ(get(*store_, "k" + std::to_string(i)), random_bytes(10'000, i));
  }
  EXPECT_EQ(get(*store_, "after"), "x");
}

TEST_F(Recovery, WritesGoOnAfterAKill) {
  put(open(), "before", random_bytes(5000, 1)).value();
  crash();
  put(open(), "between", random_bytes(5000, 2)).value();
  crash();
  put(open(), "after", random_bytes(5000, 3)).value();

  open();

  EXPECT_EQ(get(*store_, "before"), random_bytes(5000, 1));
  EXPECT_EQ(get(*store_, "between"), random_bytes(5000, 2));
  EXPECT_EQ(get(*store_, "after"), random_bytes(5000, 3));
  EXPECT_EQ(segments().size(), 1U);  // a short segment is continued
}

TEST_F(Recovery, ShortSegmentsAreContinuedOverManyRestarts) {
  for (unsigned i = 0; i < 20; ++i) {
    put(open(), "k" + std::to_string(i), random_bytes(5000, i)).value();
  }

  open();

  EXPECT_EQ(segments().size(), 1U);
  for (unsigned i = 0; i < 20; ++i) {
    EXPECT_EQ(get(*store_, "k" + std::to_string(i)), random_bytes(5000, i));
  }
}

TEST_F(Recovery, OpeningWithoutWritingChangesNoFile) {
  put(open(), "k", random_bytes(5000, 1)).value();
  store_.reset();
  const auto before = io::read_file(segments().at(0), 1 << 20U).value_or("");

  EXPECT_EQ(get(open(), "k"), random_bytes(5000, 1));
  store_.reset();

  EXPECT_EQ(io::read_file(segments().at(0), 1 << 20U).value_or(""), before);
}

TEST_F(Recovery, TheLaterCommitOfAKeyCountsWhereverItsRecordIs) {
  open();
  auto first_reserved = store_->reserve(5, 1);
  ASSERT_THAT(put(*store_, "k", "early"), Succeeds());
  ASSERT_THAT(first_reserved->write(io::bytes_of("later")), Succeeds());
  const auto later = std::move(*first_reserved).commit("k");

  crash();
  open();

  EXPECT_EQ(get(*store_, "k"), "later");
}

TEST_F(Recovery, RemovedAndReplacedObjectsDoNotComeBackAfterAKill) {
  open();
  const auto held = put(*store_, "held", "held while removed");
  put(*store_, "replaced", "old").value();
  put(*store_, "replaced", "new").value();
  store_->remove("held");

  crash();
  open();

  EXPECT_EQ(get(*store_, "held"), std::nullopt);
  EXPECT_EQ(get(*store_, "replaced"), "new");
  EXPECT_EQ(store_->figures().quarantined, 0U);
}

TEST_F(Recovery, AContinuedPageIsSharedByOldAndNewObjects) {
  put(open(), "replaced", "old").value();
  crash();
  put(open(), "kept", random_bytes(50'000, 1)).value();  // begins in the page where the old object is

  put(*store_, "replaced", "new").value();

  EXPECT_EQ(get(*store_, "kept"), random_bytes(50'000, 1));
  crash();
  EXPECT_EQ(get(open(), "kept"), random_bytes(50'000, 1));
}

TEST_F(Recovery, AnObjectWhereARemovedOneWasIsNotTakenForIt) {
  for (const auto* key : {"a", "b", "c"}) {
    put(open(), key, "old").value();  // segment 1, where two records die and one stays
  }
  store_->remove("a");
  store_->remove("b");
  ASSERT_THAT(store_->seal(), Succeeds());
  put(*store_, "removed", "old").value();
  store_->remove("removed");
  ASSERT_THAT(store_->seal(), Succeeds());
  ASSERT_EQ(segments().size(), 1U);
  open();
  ASSERT_THAT(store_->seal(), Succeeds());

  put(*store_, "c", "new").value();
  ASSERT_THAT(store_->seal(), Succeeds());
  put(*store_, "kept", "new").value();  // the first record of segment 2, as the removed one was

  EXPECT_EQ(get(open(), "kept"), "new");
}

TEST_F(Recovery, CutAtEveryByteOnlyTheLastObjectIsLost) {
  open();
  const auto first = random_bytes(100, 1);
  const auto last = random_bytes(100, 2);
  put(*store_, "first", first).value();
  put(*store_, "last", last).value();
  crash();
  const auto segment = segments().at(0);
  const auto begin = record_bytes("first", first);
  const auto end = begin + k_record_header_bytes + last.size() + k_trailer_fixed_bytes + 4;
  const auto whole = io::read_file(segment, 1 << 24U).value_or("").substr(0, end);

  for (auto size = begin; size <= end; ++size) {
    ASSERT_THAT(io::write_file(segment, std::string_view(whole).substr(0, size)), Succeeds());
    open();
    EXPECT_EQ(get(*store_, "first"), first) << size;
    EXPECT_EQ(get(*store_, "last"), size == end ? std::optional(last) : std::nullopt) << size;
    put(*store_, "next", "goes on").value();
    EXPECT_EQ(get(open(), "next"), "goes on") << size;
    store_.reset();
  }
}

TEST_F(Recovery, AFooterCutAtAnyByteLosesNothing) {
  put(open(), "a", random_bytes(500, 1)).value();
  put(*store_, "b", random_bytes(500, 2)).value();
  store_.reset();
  const auto segment = segments().at(0);
  const auto whole = io::read_file(segment, 1 << 24U).value_or("");
  const auto footer = whole.find("HRTHFOOT");
  ASSERT_NE(footer, std::string::npos);

  for (auto size = footer; size < whole.size(); size += 3) {
    ASSERT_THAT(io::write_file(segment, std::string_view(whole).substr(0, size)), Succeeds());
    open();
    EXPECT_EQ(get(*store_, "a"), random_bytes(500, 1)) << size;
    EXPECT_EQ(get(*store_, "b"), random_bytes(500, 2)) << size;
    store_.reset();
  }
}

TEST_F(Recovery, TornRecordsAreSteppedOver) {
  open();
  const auto content = random_bytes(3000, 1);
  for (const auto* key : {"a", "b", "c"}) {
    put(*store_, key, content).value();
  }
  crash();
  const auto middle = record_bytes("a", content);
  // The commit mark of the second record never made it to the disk.
  damage(segments().at(0), middle + k_record_header_bytes + content.size() + k_trailer_fixed_bytes + 1 - 4,
         std::string(4, '\0'));

  open();

  EXPECT_EQ(get(*store_, "a"), content);
  EXPECT_EQ(get(*store_, "b"), std::nullopt);
  EXPECT_EQ(get(*store_, "c"), content);
  EXPECT_EQ(store_->figures().quarantined, 0U);
}

TEST_F(Recovery, FindsTheNextRecordBehindGarbage) {
  open();
  const auto content = random_bytes(3000, 1);
  for (const auto* key : {"a", "b", "c"}) {
    put(*store_, key, content).value();
  }
  crash();
  damage(segments().at(0), record_bytes("a", content), random_bytes(k_record_header_bytes, 9));

  open();

  EXPECT_EQ(get(*store_, "a"), content);
  EXPECT_EQ(get(*store_, "b"), std::nullopt);
  EXPECT_EQ(get(*store_, "c"), content);
}

TEST_F(Recovery, RecordsInsideAnUnfinishedObjectAreNotBelieved) {
  put(open(), "planted", "evil").value();
  store_.reset();
  const auto pack = io::read_file(segments().at(0), 1 << 20U).value_or("");
  options_.folder = folder_.path() / "other";
  open();
  auto unfinished = store_->reserve(200'000);
  ASSERT_THAT(unfinished->write(io::bytes_of(pack + std::string(100'000, 'x'))), Succeeds());
  put(*store_, "honest", "x").value();

  crash();
  open();

  EXPECT_EQ(get(*store_, "planted"), std::nullopt);
  EXPECT_EQ(get(*store_, "honest"), "x");
}

TEST_F(Recovery, ACorruptPayloadIsAQuarantinedMissOnce) {
  const auto content = random_bytes(50'000, 1);
  put(open(), "bad", content).value();
  put(*store_, "good", content).value();
  store_.reset();
  damage(segments().at(0), k_record_header_bytes + 40'000, "????????");

  open();

  EXPECT_TRUE(store_->contains("bad"));  // checked at the first read, not at opening
  EXPECT_EQ(get(*store_, "bad"), std::nullopt);
  EXPECT_FALSE(store_->contains("bad"));
  EXPECT_EQ(get(*store_, "good"), content);
  EXPECT_EQ(store_->figures().quarantined, 1U);
  EXPECT_EQ(get(open(), "bad"), std::nullopt);
  EXPECT_EQ(store_->figures().quarantined, 0U);
}

TEST_F(Recovery, ASegmentOfAnotherVersionIsLeftOutAndLeftAlone) {
  put(open(), "k", "x").value();
  store_.reset();
  const auto segment = segments().at(0);
  auto bytes = io::read_file(segment, 1 << 20U).value_or("");
  auto tail = std::string_view(bytes).substr(bytes.size() - k_tail_bytes);
  std::string newer(tail.substr(0, 48));
  io::append_le(newer, std::uint32_t{2});
  io::append_le(newer, io::crc32c(io::bytes_of(newer)));
  newer += "HRTHPACK";
  bytes.replace(bytes.size() - k_tail_bytes, k_tail_bytes, newer);
  ASSERT_THAT(io::write_file(segment, bytes), Succeeds());

  open();
  put(*store_, "new", "y").value();

  EXPECT_EQ(get(*store_, "k"), std::nullopt);
  EXPECT_EQ(get(open(), "new"), "y");
  EXPECT_EQ(io::read_file(segment, 1 << 20U).value_or(""), bytes);
}

TEST_F(Recovery, EmptyAndForeignFilesDoNoHarm) {
  put(open(), "k", "x").value();
  store_.reset();
  ASSERT_THAT(io::write_file(options_.folder / "0000000002.seg", ""), Succeeds());
  ASSERT_THAT(io::write_file(options_.folder / "0000000003.seg", random_bytes(10'000, 3)), Succeeds());
  ASSERT_THAT(io::write_file(options_.folder / "notes.seg", "mine"), Succeeds());
  ASSERT_THAT(io::append_file(options_.folder / "dead.log", "torn"), Succeeds());

  open();

  EXPECT_EQ(get(*store_, "k"), "x");
  EXPECT_EQ(store_->figures().objects, 1U);
  EXPECT_EQ(io::read_file(options_.folder / "notes.seg", 10).value_or(""), "mine");
}

TEST_F(Recovery, ReservedSpaceIsTheSameAfterARestart) {
  options_.segment_bytes = 1 << 20U;
  open();
  for (unsigned i = 0; i < 60; ++i) {
    put(*store_, "k" + std::to_string(i), random_bytes(50'000, i)).value();
  }
  for (unsigned i = 0; i < 60; i += 2) {
    store_->remove("k" + std::to_string(i));
  }
  ASSERT_THAT(store_->seal(), Succeeds());
  const auto before = store_->figures().reserved_bytes;

  open();

  EXPECT_EQ(store_->figures().reserved_bytes, before);
  EXPECT_EQ(store_->figures().objects, 30U);
}

}  // namespace
}  // namespace agent::store
