#include "agent/net/chunk_decoder.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/result_matchers.hpp"

namespace agent::net {
namespace {

using tests::FailsWith;

struct Decoded {
  std::string content;
  std::size_t consumed = 0;
  bool done = false;
};

// Decodes with at most `piece` bytes per call.
Result<Decoded> decode(std::string_view bytes, std::size_t piece) {
  ChunkDecoder decoder;
  Decoded decoded;
  while (decoded.consumed < bytes.size() && !decoder.done()) {
    const auto input = std::as_bytes(std::span(bytes.substr(decoded.consumed, piece)));
    AGENT_TRY(const auto step, decoder.next(input));
    decoded.content.append(reinterpret_cast<const char*>(step.content.data()), step.content.size());
    decoded.consumed += step.consumed;
  }
  decoded.done = decoder.done();
  return decoded;
}

TEST(ChunkDecoder, JoinsChunksHoweverTheyArrive) {
  const std::string body = "5\r\nhello\r\n00A;x=\"y\"\r\n 0123456\r\n\r\n0;last\r\nA: b\r\n\r\n";
  for (const std::size_t piece : {1U, 2U, 3U, 1000U}) {
    const auto decoded = decode(body + "rest", piece);

    ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
    EXPECT_EQ(decoded->content, "hello 0123456\r\n");
    EXPECT_TRUE(decoded->done);
    EXPECT_EQ(decoded->consumed, body.size());
  }
}

TEST(ChunkDecoder, IsNotDoneBeforeTheLastLineBreak) {
  const std::string body = "1\r\na\r\n0\r\n\r\n";
  for (std::size_t size = 0; size < body.size(); ++size) {
    const auto decoded = decode(body.substr(0, size), 1000);

    ASSERT_TRUE(decoded.has_value());
    EXPECT_FALSE(decoded->done) << size;
  }
}

TEST(ChunkDecoder, RefusesWhatTwoParsersMightReadDifferently) {
  for (const std::string_view body : {
           "\r\n",
           " 5\r\nhello",
           "g\r\n",
           "-1\r\n",
           "0x5\r\nhello",
           "5 \r\nhello",
           "5\nhello\r\n",
           "5\r\nhello\n0\r\n\r\n",
           "5\r\nhelloX",
           "5\r\nhello\rX",
           "5;a\nb\r\nhello",
           "5\rX",
           "0\r\n a: folded\r\n\r\n",
           "0\r\na: b\n\r\n",
           "0\r\n\n",
           "0\r\n\rX",
           "10000000000000000\r\n",
           "ffffffffffffffffff\r\n",
       }) {
    EXPECT_THAT(decode(body, 1), FailsWith(Errc::invalid)) << body;
    EXPECT_THAT(decode(body, 1000), FailsWith(Errc::invalid)) << body;
  }
}

TEST(ChunkDecoder, BoundsWhatItDrops) {
  EXPECT_THAT(decode("1;" + std::string(300, 'x') + "\r\n", 1000), FailsWith(Errc::invalid));
  EXPECT_THAT(decode(std::string(300, '0') + "\r\n", 1000), FailsWith(Errc::invalid));
  EXPECT_THAT(decode("0\r\nA: " + std::string(10000, 'x') + "\r\n\r\n", 1000), FailsWith(Errc::invalid));
}

}  // namespace
}  // namespace agent::net
