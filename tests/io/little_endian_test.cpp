#include "agent/io/little_endian.hpp"

#include <gtest/gtest.h>

#include "agent/io/fd.hpp"

namespace agent::io {
namespace {

TEST(LittleEndian, PutsTheLowByteFirst) {
  std::string bytes;
  append_le<std::uint16_t>(bytes, 0x0102);
  append_le<std::uint32_t>(bytes, 0xA0B0C0D0U);
  append_le<std::uint64_t>(bytes, 0x1122334455667788U);

  EXPECT_EQ(bytes, std::string("\x02\x01\xD0\xC0\xB0\xA0\x88\x77\x66\x55\x44\x33\x22\x11"));
  EXPECT_EQ(load_le<std::uint16_t>(bytes_of(bytes)), 0x0102);
}

TEST(ByteReader, ReadsWhatWasAppended) {
  std::string bytes;
  append_le<std::uint8_t>(bytes, 0xFF);
  append_le<std::uint64_t>(bytes, 0xFFFFFFFFFFFFFFFEU);
  bytes += "text!";
  ByteReader reader(bytes_of(bytes));

  EXPECT_EQ(reader.number<std::uint8_t>(), 0xFF);
  EXPECT_EQ(reader.number<std::uint64_t>(), 0xFFFFFFFFFFFFFFFEU);
  EXPECT_EQ(reader.text(4), "text");
  EXPECT_EQ(text_of(reader.left()), "!");
  EXPECT_TRUE(reader.ok());
}

TEST(ByteReader, StaysFailedOnceSomethingWasMissing) {
  ByteReader reader(bytes_of("abc"));

  EXPECT_EQ(reader.number<std::uint32_t>(), 0U);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.number<std::uint8_t>(), 0U);
  EXPECT_EQ(reader.text(1), "");
  EXPECT_TRUE(reader.left().empty());
  EXPECT_FALSE(reader.ok());
}

TEST(ByteReader, TakesExactlyTheRest) {
  ByteReader reader(bytes_of("abc"));
  EXPECT_EQ(reader.take(3).size(), 3U);
  EXPECT_TRUE(reader.ok());
  EXPECT_TRUE(reader.take(0).empty());
  EXPECT_TRUE(reader.ok());
}

}  // namespace
}  // namespace agent::io
