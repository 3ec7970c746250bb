#include "agent/store/pack_format.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::store {
namespace {

using tests::FailsWith;
using tests::Succeeds;

PackEntry entry_of(std::string_view key, std::uint64_t offset, std::string_view payload) {
  return {.key = key,
          .offset = offset,
          .size = payload.size(),
          .digest = io::sha256(io::bytes_of(payload)),
          .crc32c = io::crc32c(io::bytes_of(payload))};
}

std::string footer_of(const std::vector<PackEntry>& entries, std::uint64_t footer_offset) {
  FooterBuilder builder;
  for (const auto& entry : entries) {
    EXPECT_THAT(builder.add(entry), Succeeds());
  }
  return std::move(builder).finish(footer_offset, Nonce{7}).value_or("");
}

// All keys, or the error that ended the walk.
Result<std::vector<std::string>> keys_of(std::string_view footer) {
  AGENT_TRY(const auto summary, decode_footer_summary(io::bytes_of(footer)));
  FooterCursor cursor(io::bytes_of(footer), summary);
  std::vector<std::string> keys;
  while (true) {
    AGENT_TRY(const auto entry, cursor.next());
    if (!entry) {
      return keys;
    }
    keys.emplace_back(entry->key);
  }
}

TEST(RecordHeader, ReadsWhatItWrote) {
  const auto bytes =
      encode_record_header({.payload_size = 123'456'789'012 % k_max_object_bytes, .key_room = 78});

  const auto header = decode_record_header(bytes);

  ASSERT_TRUE(header);
  EXPECT_EQ(header->payload_size, 123'456'789'012 % k_max_object_bytes);
  EXPECT_EQ(header->key_room, 78);
}

TEST(RecordHeader, AnyChangedBitMakesItNoHeader) {
  const auto good = encode_record_header({.payload_size = 4096, .key_room = 64});

  for (std::size_t i = 0; i < good.size() * 8; ++i) {
    auto bad = good;
    bad[i / 8] ^= std::byte{1} << (i % 8);
    EXPECT_FALSE(decode_record_header(bad)) << "bit " << i;
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(decode_record_header(std::span(good).first(size))) << size << " bytes";
  }
}

TEST(RecordHeader, ExtentIsAlignedAndHoldsEverything) {
  EXPECT_EQ(record_extent({.payload_size = 0, .key_room = 1}), 80U);
  EXPECT_EQ(record_extent({.payload_size = 3, .key_room = 1}), 80U);
  EXPECT_EQ(record_extent({.payload_size = 4, .key_room = 1}), 88U);
}

TEST(RecordTrailer, ReadsWhatItWrote) {
  const RecordHeader header{.payload_size = 5, .key_room = 100};
  const auto entry = entry_of("sccache/key", 24, "12345");

  const auto bytes = encode_record_trailer(header, entry);
  const auto read = decode_record_trailer(header, io::bytes_of(bytes));

  ASSERT_TRUE(read);
  EXPECT_EQ(read->key, "sccache/key");
  EXPECT_EQ(read->size, 5U);
  EXPECT_EQ(read->digest, entry.digest);
  EXPECT_EQ(read->crc32c, entry.crc32c);
}

TEST(RecordTrailer, ATornOneIsNotCommitted) {
  const RecordHeader header{.payload_size = 5, .key_room = 100};
  const auto good = encode_record_trailer(header, entry_of("sccache/key", 24, "12345"));

  for (std::size_t i = 0; i < good.size(); ++i) {
    auto torn = good;
    std::fill(torn.begin() + static_cast<std::ptrdiff_t>(i), torn.end(), '\0');
    EXPECT_FALSE(decode_record_trailer(header, io::bytes_of(torn))) << "after " << i;
    EXPECT_FALSE(decode_record_trailer(header, io::bytes_of(good.substr(0, i)))) << "cut at " << i;
    auto flipped = good;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x10);
    EXPECT_FALSE(decode_record_trailer(header, io::bytes_of(flipped))) << "changed at " << i;
  }
}

TEST(RecordTrailer, OfAnotherHeaderIsNotCommitted) {
  const auto bytes = encode_record_trailer({.payload_size = 5, .key_room = 100}, entry_of("k", 24, "12345"));

  EXPECT_FALSE(decode_record_trailer({.payload_size = 6, .key_room = 100}, io::bytes_of(bytes)));
}

TEST(Footer, ReadsWhatItWrote) {
  const auto footer = footer_of({entry_of("a", 24, "xx"), entry_of("b", 128, "yyy")}, 256);

  const auto summary = decode_footer_summary(io::bytes_of(footer));

  ASSERT_THAT(summary, Succeeds());
  EXPECT_EQ(summary->entries, 2U);
  EXPECT_EQ(summary->live_bytes, 5U);
  EXPECT_EQ(summary->footer_offset, 256U);
  EXPECT_EQ(summary->nonce, Nonce{7});
  EXPECT_EQ(keys_of(footer).value_or(std::vector<std::string>{}), (std::vector<std::string>{"a", "b"}));
}

TEST(Footer, RefusesKeysOutOfOrderTooLongOrEmpty) {
  FooterBuilder builder;
  ASSERT_THAT(builder.add(entry_of("b", 24, "")), Succeeds());

  EXPECT_THAT(builder.add(entry_of("b", 24, "")), FailsWith(Errc::invalid));
  EXPECT_THAT(builder.add(entry_of("a", 24, "")), FailsWith(Errc::invalid));
  EXPECT_THAT(builder.add(entry_of(std::string(1025, 'z'), 24, "")), FailsWith(Errc::invalid));
  EXPECT_THAT(FooterBuilder().add(entry_of("", 24, "")), FailsWith(Errc::invalid));
  EXPECT_THAT(FooterBuilder().finish(0, Nonce{}), FailsWith(Errc::invalid));
}

TEST(Footer, RefusesMoreEntriesThanAPackMayHold) {
  auto footer = footer_of({entry_of("a", 24, "xx")}, 256);
  footer.replace(12, 4, std::string("\x01\x00\x10\x00", 4));  // 2^20 + 1

  EXPECT_THAT(decode_footer_summary(io::bytes_of(footer)), FailsWith(Errc::corrupt));
}

TEST(Footer, RefusesPayloadsBeforeAnyRecordAndFootersOffTheGrid) {
  EXPECT_THAT(keys_of(footer_of({entry_of("a", 23, "xx")}, 256)), FailsWith(Errc::corrupt));
  EXPECT_THAT(keys_of(footer_of({entry_of("a", 24, "xx")}, 257)), FailsWith(Errc::corrupt));
}

TEST(Footer, CutAnywhereItIsCorrupt) {
  const auto footer = footer_of({entry_of("a", 24, "xx"), entry_of("b", 128, "yyy")}, 256);

  for (std::size_t size = 0; size < footer.size(); ++size) {
    EXPECT_THAT(keys_of(footer.substr(0, size)), FailsWith(Errc::corrupt)) << size;
  }
  EXPECT_THAT(keys_of(footer + "x"), FailsWith(Errc::corrupt));
}

TEST(Footer, EntryBeyondTheFooterIsCorrupt) {
  EXPECT_THAT(keys_of(footer_of({entry_of("a", 24, "xx")}, 25)), FailsWith(Errc::corrupt));
  EXPECT_THAT(keys_of(footer_of({entry_of("a", ~std::uint64_t{0}, "xx")}, 256)), FailsWith(Errc::corrupt));
}

TEST(Footer, UnknownVersionIsUnsupported) {
  auto footer = footer_of({entry_of("a", 24, "xx")}, 256);
  footer[8] = 2;

  EXPECT_THAT(decode_footer_summary(io::bytes_of(footer)), FailsWith(Errc::unsupported));
}

TEST(Tail, ReadsWhatItWrote) {
  const Tail tail{.footer_offset = 80, .footer_size = 105, .footer_digest = io::sha256(io::bytes_of("f"))};

  const auto read = decode_tail(encode_tail(tail), 80 + 105 + k_tail_bytes);

  ASSERT_THAT(read, Succeeds());
  EXPECT_EQ(*read, tail);
}

TEST(Tail, AnyChangedByteOrSizeIsCorrupt) {
  const auto good = encode_tail({.footer_offset = 80, .footer_size = 105, .footer_digest = {}});

  for (std::size_t i = 0; i < good.size(); ++i) {
    auto bad = good;
    bad[i] ^= std::byte{0x40};
    EXPECT_THAT(decode_tail(bad, 249), FailsWith(Errc::corrupt)) << i;
  }
  EXPECT_THAT(decode_tail(good, 248), FailsWith(Errc::corrupt));
  EXPECT_THAT(decode_tail(std::span(good).first(63), 249), FailsWith(Errc::corrupt));
}

}  // namespace
}  // namespace agent::store
