// What records that are gone leave behind in their segment is never taken for a record again.
#include <gtest/gtest.h>

#include "agent/io/checksum.hpp"
#include "agent/io/file.hpp"
#include "agent/store/pack_format.hpp"
#include "agent/store/segment.hpp"
#include "agent/store/store.hpp"
#include "tests/store/store_fixture.hpp"

namespace agent::store {
namespace {

using tests::get;
using tests::put;
using tests::Succeeds;

constexpr int k_neighbours = 50;

class DeadRecords : public tests::StoreTest {
protected:
  // A payload whose last bytes are `planted`, where they stay in a page that the next record needs; what is
  // before them goes when the record does.
  static std::string payload_ending_in(std::string_view planted) {
    return std::string((2 * k_page_bytes) - k_record_header_bytes, 'p').append(planted);
  }

  static std::string record(std::string_view key, std::string_view payload) {
    const RecordHeader header{.payload_size = payload.size(),
                              .key_room = static_cast<std::uint16_t>(key.size())};
    const PackEntry entry{.key = key,
                          .size = payload.size(),
                          .digest = io::sha256(io::bytes_of(payload)),
                          .crc32c = io::crc32c(io::bytes_of(payload))};
    const auto header_bytes = encode_record_header(header);
    return std::string(io::text_of(header_bytes))
        .append(payload)
        .append(encode_record_trailer(header, entry))
        .append(200, 'q');
  }

  static std::string header_of_much() {
    const auto header = encode_record_header({.payload_size = std::uint64_t{1} << 30U, .key_room = 20});
    return std::string(io::text_of(header)).append(200, 'q');
  }

  void put_neighbours() {
    for (int i = 0; i < k_neighbours; ++i) {
      ASSERT_THAT(put(*store_, "neighbour" + std::to_string(i), std::string(300, 'n')), Succeeds());
    }
  }

  void expect_neighbours() {
    for (int i = 0; i < k_neighbours; ++i) {
      EXPECT_EQ(get(*store_, "neighbour" + std::to_string(i)), std::string(300, 'n')) << i;
    }
  }
};

TEST_F(DeadRecords, AHeaderInARemovedObjectHidesNothingFromTheFooter) {
  open();
  put(*store_, "removed", payload_ending_in(header_of_much())).value();
  put_neighbours();
  store_->remove("removed");

  open();

  expect_neighbours();
}

TEST_F(DeadRecords, ARecordInARemovedObjectIsNotBelievedAfterAKill) {
  open();
  put(*store_, "removed", payload_ending_in(record("planted", "forged"))).value();
  put_neighbours();
  store_->remove("removed");

  crash();
  open();

  EXPECT_EQ(get(*store_, "planted"), std::nullopt);
  EXPECT_EQ(store_->figures().objects, static_cast<std::uint64_t>(k_neighbours));
  expect_neighbours();
}

TEST_F(DeadRecords, AHeaderInARemovedObjectHidesNothingAfterAKill) {
  open();
  put(*store_, "removed", payload_ending_in(header_of_much())).value();
  put_neighbours();
  store_->remove("removed");

  crash();
  open();

  expect_neighbours();
}

TEST_F(DeadRecords, ARecordInAnAbandonedObjectIsNotBelievedAfterAKill) {
  open();
  // More than is buffered, so that it is in the file when the connection is cut.
  const auto payload = std::string(32 * k_page_bytes, 'p') + payload_ending_in(record("planted", "forged"));
  {
    auto cut_off = store_->reserve(payload.size(), 7);
    ASSERT_THAT(cut_off, Succeeds());
    put_neighbours();
    ASSERT_THAT(cut_off->write(io::bytes_of(payload)), Succeeds());
  }

  crash();
  open();

  EXPECT_EQ(get(*store_, "planted"), std::nullopt);
  EXPECT_EQ(store_->figures().objects, static_cast<std::uint64_t>(k_neighbours));
  expect_neighbours();
}

// The first record's page lives on by its neighbour when it goes, so its header does; then the neighbour
// goes.
TEST_F(DeadRecords, AHeaderThatGoesLaterThanItsRecordTakesItsRestAlong) {
  open();
  const std::string_view neighbour = "neighbour in front";
  put(*store_, neighbour, "x").value();
  const auto front =
      record_extent({.payload_size = 1, .key_room = static_cast<std::uint16_t>(neighbour.size())});
  put(*store_, "removed", payload_ending_in(record("planted", "forged")).substr(front)).value();
  put_neighbours();
  store_->remove("removed");
  store_->remove(neighbour);

  crash();
  open();

  EXPECT_EQ(get(*store_, "planted"), std::nullopt);
  EXPECT_EQ(store_->figures().objects, static_cast<std::uint64_t>(k_neighbours));
  expect_neighbours();
}

// What is given of the key's room to the next record is no longer the dead one's, though its header says so.
TEST_F(DeadRecords, ALongerKeyThatWasReservedDoesNotHideTheNextRecord) {
  open();
  put(*store_, "kept", "x").value();
  const auto front = record_extent({.payload_size = 1, .key_room = 4});
  const auto gap = record_extent({.payload_size = 300, .key_room = 10}) + k_record_alignment;
  const std::string payload(
      (4 * k_page_bytes) - gap - front - k_record_header_bytes - k_trailer_fixed_bytes - 1, 'p');
  auto removed = store_->reserve(payload.size(), k_max_key_bytes);
  ASSERT_THAT(removed->write(io::bytes_of(payload)), Succeeds());
  ASSERT_THAT(std::move(*removed).commit("r"), Succeeds());
  put_neighbours();
  for (const auto* key : {"r", "neighbour0", "neighbour1"}) {
    store_->remove(key);  // and with them the page in which the first one ends
  }

  crash();
  open();

  EXPECT_EQ(store_->figures().objects, static_cast<std::uint64_t>(k_neighbours) - 1);
  EXPECT_EQ(get(*store_, "neighbour2"), std::string(300, 'n'));
}

TEST_F(DeadRecords, AnObjectIsNotPutWhereADeadOneIsMarked) {
  open();
  put(*store_, "kept", "x").value();
  put(*store_, "a", std::string(3 * k_page_bytes, 'a')).value();
  put(*store_, "b", std::string(3 * k_page_bytes, 'b')).value();
  store_->remove("a");
  store_->remove("b");  // its header goes, as nobody uses its page any more

  crash();
  put(open(), "new", "y").value();

  EXPECT_EQ(get(open(), "new"), "y");
  EXPECT_EQ(get(*store_, "kept"), "x");
}

// An earlier version wrote marks that do not say where a record ends.
class MarksWithoutEnds : public DeadRecords {
protected:
  void SetUp() override {
    put(open(), "front", std::string(2 * k_page_bytes, 'f')).value();
    put(*store_, "removed", payload_ending_in(record("planted", "forged"))).value();
    put_neighbours();
    store_->remove("front");
    store_->remove("removed");
  }

  void forget_ends() const {
    const auto file = options_.folder / "dead.log";
    const auto log = io::read_file(file, 1 << 20U).value_or("");
    std::string older;
    for (std::size_t at = 0; at < log.size(); at += 32) {
      older += log.substr(at, 16);
    }
    ASSERT_THAT(io::write_file(file, older), Succeeds());
  }
};

TEST_F(MarksWithoutEnds, WhatIsBehindALostHeaderIsNotBelieved) {
  crash();
  forget_ends();

  open();

  EXPECT_EQ(get(*store_, "planted"), std::nullopt);
  put(*store_, "new", "y").value();
  EXPECT_EQ(get(open(), "new"), "y");
}

TEST_F(MarksWithoutEnds, NothingIsAppendedToTheirSegment) {
  store_.reset();
  forget_ends();

  put(open(), "new", "y").value();
  EXPECT_EQ(segments().size(), 2U);
  crash();
  open();

  EXPECT_EQ(get(*store_, "planted"), std::nullopt);
  EXPECT_EQ(get(*store_, "new"), "y");
  expect_neighbours();
}

}  // namespace
}  // namespace agent::store
