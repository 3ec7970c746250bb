#include "agent/io/checksum.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/io/fd.hpp"

namespace agent::io {
namespace {

std::string mixed_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  std::uint32_t state = 12345;
  for (auto& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<char>(state >> 24U);
  }
  return bytes;
}

// Bit by bit, as the definition says.
std::uint32_t slow_crc32c(std::string_view bytes) {
  std::uint32_t state = ~0U;
  for (const char byte : bytes) {
    state ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) {
      state = (state >> 1U) ^ ((state & 1U) != 0 ? 0x82F63B78U : 0U);
    }
  }
  return ~state;
}

// RFC 3720, appendix B.4.
TEST(Crc32c, GivesTheValuesOfTheRfc) {
  std::string rising(32, '\0');
  std::ranges::generate(rising, [next = '\0']() mutable { return next++; });
  const std::string falling(rising.rbegin(), rising.rend());
  const std::vector<unsigned char> read_command = {
      0x01, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
      0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18,
      0x28, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};

  EXPECT_EQ(crc32c(bytes_of(std::string(32, '\0'))), 0x8A9136AAU);
  EXPECT_EQ(crc32c(bytes_of(std::string(32, '\xFF'))), 0x62A8AB43U);
  EXPECT_EQ(crc32c(bytes_of(rising)), 0x46DD794EU);
  EXPECT_EQ(crc32c(bytes_of(falling)), 0x113FDB5CU);
  EXPECT_EQ(crc32c(std::as_bytes(std::span(read_command))), 0xD9963A56U);
  EXPECT_EQ(crc32c(bytes_of("123456789")), 0xE3069283U);
  EXPECT_EQ(crc32c({}), 0U);
}

TEST(Crc32c, IsTheSameAtEverySizeAndAlignment) {
  const auto bytes = mixed_bytes(80);
  for (std::size_t begin = 0; begin < 9; ++begin) {
    for (std::size_t size = 0; size + begin <= bytes.size(); ++size) {
      const auto part = std::string_view(bytes).substr(begin, size);
      ASSERT_EQ(crc32c(bytes_of(part)), slow_crc32c(part)) << begin << " " << size;
    }
  }
}

TEST(Crc32c, ContinuesFromAnEarlierResult) {
  const auto bytes = mixed_bytes(1000);
  const auto whole = crc32c(bytes_of(bytes));
  for (const auto cut : {0U, 1U, 7U, 8U, 500U, 999U, 1000U}) {
    const auto text = std::string_view(bytes);
    EXPECT_EQ(crc32c(bytes_of(text.substr(cut)), crc32c(bytes_of(text.substr(0, cut)))), whole) << cut;
  }
}

// FIPS 180-4 examples, and sizes around the block and padding borders computed with another implementation
// (Python's hashlib).
TEST(Sha256, GivesKnownAnswers) {
  EXPECT_EQ(sha256({}).hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256(bytes_of("abc")).hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(bytes_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")).hex(),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  const std::vector<std::pair<std::size_t, std::string_view>> repeated_a = {
      {1, "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"},
      {55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"},
      {56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"},
      {57, "f13b2d724659eb3bf47f2dd6af1accc87b81f09f59f2b75e5c0bed6589dfe8c6"},
      {63, "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34"},
      {64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"},
      {65, "635361c48bb9eab14198e76ea8ab7f1a41685d6ad62aa9146d301d4f17eb0ae0"},
      {119, "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb"},
      {128, "6836cf13bac400e9105071cd6af47084dfacad4e5e302c94bfed24e013afb73e"},
      {129, "c12cb024a2e5551cca0e08fce8f1c5e314555cc3fef6329ee994a3db752166ae"},
      {1'000'003, "cf5f310cac13bb0f1de288d09940e8ee441e8d5d88b0fd4ec6021c405fda8c8c"},
  };
  for (const auto& [size, hex] : repeated_a) {
    EXPECT_EQ(sha256(bytes_of(std::string(size, 'a'))).hex(), hex) << size;
  }
}

TEST(Sha256, IsTheSameInPieces) {
  const auto bytes = mixed_bytes(10'000);
  Sha256 hash;
  for (std::size_t at = 0, step = 1; at < bytes.size(); at += step, step = (step * 3) + 1) {
    hash.update(bytes_of(std::string_view(bytes).substr(at, step)));
  }
  EXPECT_EQ(hash.finish(), sha256(bytes_of(bytes)));
}

TEST(Sha256, StartsAnewAfterItsEnd) {
  Sha256 hash;
  hash.update(bytes_of("something else"));
  hash.finish();
  hash.update(bytes_of("abc"));
  auto moved = std::move(hash);

  EXPECT_EQ(moved.finish(), sha256(bytes_of("abc")));
}

TEST(HmacSha256, MatchesRfc4231) {
  EXPECT_EQ(hmac_sha256(bytes_of("Jefe"), bytes_of("what do ya want for nothing?")).hex(),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

}  // namespace
}  // namespace agent::io
