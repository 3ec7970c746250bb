#include "agent/net/answer_parser.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/result_matchers.hpp"

namespace agent::net {
namespace {

using tests::FailsWith;
using tests::Succeeds;

constexpr std::uint64_t k_limit = 1000;

Result<ClientResponse> parse(std::string_view bytes, std::size_t piece, bool to_head = false) {
  AnswerParser parser(to_head, k_limit);
  while (!bytes.empty() && !parser.done()) {
    AGENT_CHECK(parser.take(bytes.substr(0, piece)));
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  AGENT_CHECK(parser.end());
  return parser.release();
}

TEST(AnswerParser, ReadsEveryFramingHoweverItArrives) {
  for (const std::string_view answer : {
           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
           "HTTP/1.1 200\r\nX: y\r\n\r\nhello",
           "HTTP/1.0 200 OK\r\nX: y\r\n\r\nhello",
           "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello",
       }) {
    for (const std::size_t piece : {1U, 7U, 1000U}) {
      const auto response = parse(answer, piece);

      ASSERT_THAT(response, Succeeds()) << answer;
      EXPECT_EQ(response->status, 200);
      EXPECT_EQ(response->headers.get("x"), "y");
      EXPECT_EQ(response->body, "hello") << answer;
    }
  }
}

TEST(AnswerParser, CallsATruncatedAnswerAnError) {
  for (const std::string_view answer : {
           "",
           "HTTP/1.1 200 OK\r\nContent-Le",
           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
           "HTTP/1.1 100 Continue\r\n\r\n",
       }) {
    EXPECT_THAT(parse(answer, 1000), FailsWith(Errc::transient)) << answer;
    EXPECT_THAT(parse(answer, 1), FailsWith(Errc::transient)) << answer;
  }
}

TEST(AnswerParser, ExpectsNoBodyWhereThereIsNone) {
  EXPECT_THAT(parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 1000, true), Succeeds());
  EXPECT_THAT(parse("HTTP/1.1 204 No Content\r\n\r\n", 1000), Succeeds());
  EXPECT_THAT(parse("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 1000), Succeeds());
  EXPECT_THAT(parse("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 1000), Succeeds());
}

TEST(AnswerParser, RefusesWhatIsNotHttp) {
  for (const std::string_view answer : {
           "SSH-2.0-OpenSSH\r\n\r\n",
           "HTTP/2 200\r\n\r\n",
           "HTTP/1.1 2x0 OK\r\n\r\n",
           "HTTP/1.1 200OK\r\n\r\n",
           "HTTP/1.1 099 Odd\r\n\r\n",
           "HTTP/1.1 101 Switching\r\n\r\n",
           "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
           "HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
           "HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello",
       }) {
    EXPECT_THAT(parse(answer, 1000), FailsWith(Errc::corrupt)) << answer;
  }
  EXPECT_THAT(parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", 1000),
              FailsWith(Errc::unsupported));
}

TEST(AnswerParser, BoundsHeadAndBody) {
  const std::string body(k_limit + 1, 'x');
  const auto head = "HTTP/1.1 200 OK\r\n" + std::string(70'000, 'a');

  EXPECT_THAT(parse("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", 1000), FailsWith(Errc::invalid));
  EXPECT_THAT(parse("HTTP/1.1 200 OK\r\n\r\n" + body, 100), FailsWith(Errc::invalid));
  EXPECT_THAT(parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + body, 100),
              FailsWith(Errc::invalid));
  EXPECT_THAT(parse(head, 1000), FailsWith(Errc::invalid));
}

TEST(AnswerParser, KnowsWhetherTheConnectionCanBeUsedAgain) {
  struct Case {
    std::string_view answer;
    bool kept;
  };
  for (const auto& [answer, kept] : {
           Case{"HTTP/1.1 204 No Content\r\n\r\n", true},
           Case{"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", false},
           Case{"HTTP/1.0 204 No Content\r\n\r\n", false},
           Case{"HTTP/1.0 204 No Content\r\nConnection: keep-alive\r\n\r\n", true},
           Case{"HTTP/1.1 204 No Content\r\n\r\nsurplus", false},
           Case{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab", false},
       }) {
    AnswerParser parser(false, k_limit);
    ASSERT_THAT(parser.take(answer), Succeeds());
    ASSERT_TRUE(parser.done());
    EXPECT_EQ(parser.keeps_connection(), kept) << answer;
  }
}

}  // namespace
}  // namespace agent::net
