#include "agent/core/digest.hpp"

#include <gtest/gtest.h>

#include <string>

namespace agent {
namespace {

constexpr std::string_view k_hex = "00ff10a0b1c2d3e4f5061728394a5b6c7d8e9f000102030405060708090a0b0c";

TEST(Digest, ReadsWhatItWrites) {
  const auto digest = Digest::from_hex(k_hex);

  ASSERT_TRUE(digest.has_value());
  EXPECT_EQ(digest->bytes[0], 0x00);
  EXPECT_EQ(digest->bytes[1], 0xFF);
  EXPECT_EQ(digest->bytes[31], 0x0C);
  EXPECT_EQ(digest->hex(), k_hex);
}

TEST(Digest, TakesExactly64LowerCaseDigits) {
  const std::string good(k_hex);
  auto upper = good;
  upper[2] = 'F';
  auto stranger = good;
  stranger[63] = 'g';

  EXPECT_FALSE(Digest::from_hex(""));
  EXPECT_FALSE(Digest::from_hex(good.substr(1)));
  EXPECT_FALSE(Digest::from_hex(good + "0"));
  EXPECT_FALSE(Digest::from_hex("sha256:" + good));
  EXPECT_FALSE(Digest::from_hex(upper));
  EXPECT_FALSE(Digest::from_hex(stranger));
  EXPECT_FALSE(Digest::from_hex(std::string(64, '\0')));
}

TEST(Digest, ComparesByBytes) {
  const auto one = *Digest::from_hex(k_hex);
  auto other = one;
  EXPECT_EQ(one, other);
  EXPECT_EQ(DigestHash{}(one), DigestHash{}(other));

  other.bytes[31] = 0x0D;

  EXPECT_LT(one, other);
  EXPECT_NE(one, other);
}

}  // namespace
}  // namespace agent
