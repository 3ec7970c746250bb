// What records that are gone leave behind in their segment is never taken for a record again.
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace agent::store
