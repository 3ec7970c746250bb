#include "agent/store/record_scanner.hpp"

#include <gtest/gtest.h>

#include "tests/support/result_matchers.hpp"
#include "tests/support/stored_object.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::store {
namespace {

using tests::FailsWith;

std::string record(std::string_view key, std::string_view payload, std::uint16_t key_room = 0) {
  const RecordHeader header{.payload_size = payload.size(),
                            .key_room = key_room > 0 ? key_room : static_cast<std::uint16_t>(key.size())};
  std::string bytes(io::text_of(encode_record_header(header)));
  bytes += payload;
  bytes += encode_record_trailer(header, {.key = key,
                                          .size = payload.size(),
                                          .digest = io::sha256(io::bytes_of(payload)),
                                          .crc32c = io::crc32c(io::bytes_of(payload))});
  bytes.resize(((bytes.size() + 7) / 8) * 8);
  return bytes;
}

struct Found {
  std::string text;  // "key@offset ..." of every record
  std::uint64_t tail = 0;
  std::optional<std::uint64_t> lost_at{};
};

class RecordScannerTest : public testing::Test {
protected:
  Found scan(std::string_view bytes, std::vector<DeadExtent> dead = {}) const {
    const auto file = tests::stored_object(folder_.path(), bytes);
    RecordScanner scanner(file.slice.fd, bytes.size(), std::move(dead));
    Found found;
    for (auto entry = scanner.next(); entry && *entry; entry = scanner.next()) {
      found.text += fmt::format("{}@{} ", (*entry)->key, (*entry)->offset);
    }
    found.tail = scanner.tail();
    found.lost_at = scanner.lost_at();
    return found;
  }

  tests::TempFolder folder_;
};

TEST_F(RecordScannerTest, FindsEveryRecord) {
  const auto first = record("a", "one");
  const auto large = record("b", std::string(100'000, 'x'));

  const auto found = scan(first + large + record("c", ""));

  EXPECT_EQ(found.text, fmt::format("a@24 b@{} c@{} ", first.size() + 24, first.size() + large.size() + 24));
  EXPECT_EQ(found.tail, first.size() + large.size() + record("c", "").size());
}

TEST_F(RecordScannerTest, FindsTheRecordBehindUnusedKeyRoom) {
  const auto first = record("a", "one", 1024);

  EXPECT_EQ(scan(first + record("b", "two")).text, fmt::format("a@24 b@{} ", first.size() + 24));
  EXPECT_EQ(scan(first + std::string(1016, '\0') + record("b", "two")).text,
            fmt::format("a@24 b@{} ", first.size() + 1016 + 24));
}

TEST_F(RecordScannerTest, StepsOverAnUncommittedExtentAsAWhole) {
  const RecordHeader header{.payload_size = 50'000, .key_room = 10};
  auto open_extent = std::string(io::text_of(encode_record_header(header)));
  open_extent += record("planted", "not to be believed");
  open_extent.resize(record_extent(header));

  const auto found = scan(open_extent + record("a", "one"));

  EXPECT_EQ(found.text, fmt::format("a@{} ", open_extent.size() + 24));
}

TEST_F(RecordScannerTest, StepsThroughGarbageAndZeros) {
  std::string garbage(40'000, '\0');
  for (std::size_t i = 0; i < 20'000; ++i) {
    garbage[i] = "HRec"[i % 4];
  }

  EXPECT_EQ(scan(garbage + record("a", "one")).text, "a@40024 ");
}

TEST_F(RecordScannerTest, StepsOverADeadExtentWhateverIsLeftOfIt) {
  const auto first = record("a", "one");
  const std::string never_written(80, '\0');
  const auto begin = first.size() + never_written.size();
  auto left = std::string(4096, '\0') + record("planted", "not to be believed");
  const auto end = begin + left.size();

  const auto found = scan(first + never_written + left + record("b", "two"), {{.begin = begin, .end = end}});

  EXPECT_EQ(found.text, fmt::format("a@24 b@{} ", end + 24));
  EXPECT_EQ(scan(first + never_written + left, {{.begin = begin, .end = end}}).tail, end);
}

TEST_F(RecordScannerTest, ADeadExtentWithoutAnEndIsSteppedOverByItsHeaderOnly) {
  const auto first = record("a", "one");
  const auto behind = record("b", "two");
  const std::vector<DeadExtent> dead{{.begin = first.size(), .end = 0}};

  const auto whole = scan(first + record("dead", "x") + behind, dead);
  const auto punched = scan(first + std::string(80, '\0') + behind, dead);

  EXPECT_EQ(whole.text, fmt::format("a@24 dead@{} b@{} ", first.size() + 24,
                                    first.size() + record("dead", "x").size() + 24));
  EXPECT_EQ(whole.lost_at, std::nullopt);
  EXPECT_EQ(punched.text, "a@24 ");
  EXPECT_EQ(punched.lost_at, first.size());
  EXPECT_EQ(punched.tail, first.size());
}

TEST_F(RecordScannerTest, DeadExtentsThatFitNothingDoNoHarm) {
  const auto first = record("a", "one");

  const auto found = scan(first + record("b", "two"), {{.begin = 8, .end = 4096},
                                                       {.begin = first.size(), .end = 16},
                                                       {.begin = 1U << 20U, .end = 1U << 21U}});

  EXPECT_EQ(found.text, fmt::format("a@24 b@{} ", first.size() + 24));
}

TEST_F(RecordScannerTest, ADeadExtentThatIsCutOffEndsTheScan) {
  const auto first = record("a", "one");

  const auto found = scan(first + record("b", "two"), {{.begin = first.size(), .end = 1U << 20U}});

  EXPECT_EQ(found.text, "a@24 ");
  EXPECT_EQ(found.tail, first.size());
}

TEST_F(RecordScannerTest, EndsAtAFooter) {
  const auto first = record("a", "one");
  FooterBuilder builder;
  ASSERT_TRUE(builder.add({.key = "a", .offset = 24, .size = 3}));
  const auto footer = std::move(builder).finish(first.size(), Nonce{}).value();

  const auto found = scan(first + footer + std::string(8 - (footer.size() % 8), ' ') + record("b", "two"));

  EXPECT_EQ(found.text, "a@24 ");
  EXPECT_EQ(found.tail, first.size());
}

TEST_F(RecordScannerTest, NothingIsFoundInNothing) {
  for (std::size_t size = 0; size < record("a", "one").size() - 8; ++size) {
    const auto found = scan(record("a", "one").substr(0, size));
    EXPECT_EQ(found.text, "") << size;
    EXPECT_EQ(found.tail, 0U) << size;
  }
}

TEST_F(RecordScannerTest, AFileShorterThanItSaysIsAnError) {
  const auto file = tests::stored_object(folder_.path(), "short");
  RecordScanner scanner(file.slice.fd, 1000, {});

  EXPECT_THAT(scanner.next(), FailsWith(Errc::corrupt));
}

}  // namespace
}  // namespace agent::store
