#include "agent/net/http_parser.hpp"

#include <gtest/gtest.h>

#include <string>

namespace agent::net {
namespace {

using State = HeadParser::State;

State parse_whole(HeadParser& parser, std::string_view bytes) {
  return parser.parse(bytes);
}

// What arrives byte by byte must end as what arrives at once.
State parse_in_pieces(HeadParser& parser, std::string_view bytes) {
  auto state = State::incomplete;
  for (std::size_t size = 1; size <= bytes.size() && state == State::incomplete; ++size) {
    state = parser.parse(bytes.substr(0, size));
  }
  return state;
}

struct Refused {
  std::string_view name;
  std::string head;
  int status;
};

void PrintTo(const Refused& refused, std::ostream* out) {
  *out << refused.name;
}

class RefusedHeads : public testing::TestWithParam<Refused> {};

TEST_P(RefusedHeads, AtOnceAndByteByByte) {
  for (const auto parse : {&parse_whole, &parse_in_pieces}) {
    HeadParser parser;

    ASSERT_EQ(parse(parser, GetParam().head), State::rejected);

    EXPECT_EQ(parser.rejection().status, GetParam().status) << parser.rejection().why;
    EXPECT_FALSE(parser.rejection().why.empty());
  }
}

std::string get(std::string_view fields, std::string_view target = "/a") {
  return "GET " + std::string(target) + " HTTP/1.1\r\n" + std::string(fields) + "\r\n";
}

std::string get_target(std::string_view target) {
  return get("Host: h\r\n", target);
}

using namespace std::string_literals;

INSTANTIATE_TEST_SUITE_P(
    Table, RefusedHeads,
    testing::Values(
        Refused{"BareLfInRequestLine", "GET / HTTP/1.1\nHost: h\r\n\r\n", 400},
        Refused{"BareLfInHeader", "GET / HTTP/1.1\r\nHost: h\n\r\n", 400},
        Refused{"BareLfAtEnd", "GET / HTTP/1.1\r\nHost: h\r\n\n", 400},
        Refused{"BareCrInHeader", get("Host: h\r\nX: a\rb\r\n"), 400}, Refused{"OnlyLf", "\n", 400},
        Refused{"TwoEmptyLinesFirst", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Refused{"FoldedHeader", get("Host: h\r\nX: a\r\n b\r\n"), 400},
        Refused{"FoldedByTab", get("Host: h\r\n\tb\r\n"), 400},
        Refused{"BlankBeforeColon", get("Host : h\r\n"), 400},
        Refused{"BlankInName", get("Host: h\r\nA B: c\r\n"), 400},
        Refused{"NoColon", get("Host: h\r\nnothing\r\n"), 400},
        Refused{"EmptyName", get("Host: h\r\n: x\r\n"), 400},
        Refused{"NulInValue", get("Host: h\r\nX: a\0b\r\n"s), 400},
        Refused{"NulInTarget", get_target("/a\0b"s), 400},
        Refused{"ControlInValue", get("Host: h\r\nX: a\x01\r\n"), 400},
        Refused{"NoHost", get("X: y\r\n"), 400}, Refused{"TwoHosts", get("Host: h\r\nHost: h\r\n"), 400},
        Refused{"HostWithBlank", get("Host: a b\r\n"), 400},
        Refused{"HostWithPath", get("Host: a/b\r\n"), 400},
        Refused{"HostWithUser", get("Host: u@h\r\n"), 400},
        Refused{"SameLengthTwice", get("Host: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n"), 400},
        Refused{"TwoLengths", get("Host: h\r\nContent-Length: 1\r\ncontent-length: 2\r\n"), 400},
        Refused{"LengthList", get("Host: h\r\nContent-Length: 1, 1\r\n"), 400},
        Refused{"SignedLength", get("Host: h\r\nContent-Length: +1\r\n"), 400},
        Refused{"NegativeLength", get("Host: h\r\nContent-Length: -1\r\n"), 400},
        Refused{"HexLength", get("Host: h\r\nContent-Length: 0x1\r\n"), 400},
        Refused{"EmptyLength", get("Host: h\r\nContent-Length:\r\n"), 400},
        Refused{"HugeLength", get("Host: h\r\nContent-Length: 18446744073709551616\r\n"), 400},
        Refused{"LengthAndEncoding", get("Host: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n"),
                400},
        Refused{"TwoEncodings",
                get("Host: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
        Refused{"UnknownEncoding", get("Host: h\r\nTransfer-Encoding: gzip\r\n"), 501},
        Refused{"EncodingList", get("Host: h\r\nTransfer-Encoding: gzip, chunked\r\n"), 501},
        Refused{"ObscuredEncoding", get("Host: h\r\nTransfer-Encoding: xchunked\r\n"), 501},
        Refused{"EncodingInOldHttp", "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        Refused{"UnknownExpectation", get("Host: h\r\nExpect: tea\r\n"), 417},
        Refused{"NoVersion", "GET /\r\n\r\n", 400}, Refused{"OnlyMethod", "GET\r\n\r\n", 400},
        Refused{"Http2Preface", "PRI * HTTP/2.0\r\n\r\n", 505},
        Refused{"Http12", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", 505},
        Refused{"Http09", "GET / HTTP/0.9\r\nHost: h\r\n\r\n", 505},
        Refused{"LowerCaseProtocol", "GET / http/1.1\r\nHost: h\r\n\r\n", 400},
        Refused{"LongVersion", "GET / HTTP/1.10\r\nHost: h\r\n\r\n", 400},
        Refused{"BlankAfterVersion", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", 400},
        Refused{"TwoBlanks", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Refused{"TabInRequestLine", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Refused{"MethodNoToken", "G(T / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Refused{"LongMethod", std::string(33, 'A') + " / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Refused{"Traversal", get_target("/a/../b"), 400}, Refused{"TraversalAtEnd", get_target("/a/.."), 400},
        Refused{"EncodedTraversal", get_target("/a/%2e%2E/b"), 400},
        Refused{"TraversalByEncodedSlash", get_target("/a%2F..%2Fb"), 400},
        Refused{"DotSegment", get_target("/a/./b"), 400}, Refused{"EncodedNul", get_target("/a%00"), 400},
        Refused{"EncodedLineBreak", get_target("/a%0d%0aX:"), 400},
        Refused{"EscapeCutOff", get_target("/a%4"), 400}, Refused{"EscapeNoHex", get_target("/a%zz"), 400},
        Refused{"EscapeNoHexInQuery", get_target("/a?b=%g0"), 400},
        Refused{"Fragment", get_target("/a#b"), 400}, Refused{"RawUtf8", get_target("/\xC3\xA9"), 400},
        Refused{"RelativeTarget", get_target("a"), 400},
        Refused{"Asterisk", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Refused{"Connect", "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Refused{"AbsoluteWithoutHost", get_target("http:///a"), 400},
        Refused{"AbsoluteWithUser", get_target("http://u@h/a"), 400},
        Refused{"OtherScheme", get_target("ftp://h/a"), 400}),
    [](const auto& refused) { return std::string(refused.param.name); });

TEST(HeadParser, ReadsAnOrdinaryRequest) {
  HeadParser parser;
  const std::string head =
      "PUT /sccache/a%20b?x=%41 HTTP/1.1\r\nHost: 127.0.0.1:7420\r\nContent-Length: 12\r\n"
      "X-Empty:\r\nX-Padded: \t v w \t\r\n\r\n";

  ASSERT_EQ(parser.parse(head + "next"), State::complete);

  const auto& request = parser.head().request;
  EXPECT_EQ(parser.size(), head.size());
  EXPECT_EQ(request.method, "PUT");
  EXPECT_EQ(request.path, "/sccache/a b");
  EXPECT_EQ(request.query, "x=%41");
  EXPECT_EQ(request.content_length, 12U);
  EXPECT_EQ(request.headers.get("host"), "127.0.0.1:7420");
  EXPECT_TRUE(request.headers.has("x-empty"));
  EXPECT_EQ(request.headers.get("X-Padded"), "v w");
  EXPECT_TRUE(parser.head().keep_alive);
  EXPECT_FALSE(parser.head().expects_continue);
}

TEST(HeadParser, ToleratesOneEmptyLineBeforeARequest) {
  HeadParser parser;

  EXPECT_EQ(parser.parse("\r\n" + get_target("/a")), State::complete);
}

TEST(HeadParser, TakesTheHostOfAnAbsoluteTargetOverTheField) {
  HeadParser parser;

  ASSERT_EQ(parser.parse(get("Host: other\r\n", "HTTP://here:80/x/y?q")), State::complete);

  EXPECT_EQ(parser.head().request.headers.get("Host"), "here:80");
  EXPECT_EQ(parser.head().request.path, "/x/y");
  EXPECT_EQ(parser.head().request.query, "q");
}

TEST(HeadParser, GivesAnAbsoluteTargetWithoutPathTheRoot) {
  HeadParser parser;

  ASSERT_EQ(parser.parse(get("Host: h\r\n", "http://h?q=1")), State::complete);

  EXPECT_EQ(parser.head().request.path, "/");
  EXPECT_EQ(parser.head().request.query, "q=1");
}

TEST(HeadParser, LeavesTheLengthOfAChunkedBodyOpen) {
  HeadParser parser;

  ASSERT_EQ(parser.parse(get("Host: h\r\nTransfer-Encoding: Chunked\r\n")), State::complete);

  EXPECT_FALSE(parser.head().request.content_length.has_value());
}

TEST(HeadParser, SaysZeroWhereThereIsNoBody) {
  HeadParser parser;

  ASSERT_EQ(parser.parse(get_target("/a")), State::complete);

  EXPECT_EQ(parser.head().request.content_length, 0U);
}

TEST(HeadParser, KeepsPathsThatOnlyLookLikeTraversal) {
  HeadParser parser;

  ASSERT_EQ(parser.parse(get_target("//...//a..b/.c")), State::complete);

  EXPECT_EQ(parser.head().request.path, "//...//a..b/.c");
}

struct KeepAlive {
  std::string_view version;
  std::string_view fields;
  bool kept;
};

TEST(HeadParser, KnowsWhenTheConnectionStays) {
  for (const auto& [version, fields, kept] : {
           KeepAlive{"HTTP/1.1", "", true},
           KeepAlive{"HTTP/1.1", "Connection: close\r\n", false},
           KeepAlive{"HTTP/1.1", "Connection: TE, Close\r\n", false},
           KeepAlive{"HTTP/1.0", "", false},
           KeepAlive{"HTTP/1.0", "Connection: Keep-Alive\r\n", true},
       }) {
    HeadParser parser;
    ASSERT_EQ(
        parser.parse("GET / " + std::string(version) + "\r\nHost: h\r\n" + std::string(fields) + "\r\n"),
        State::complete);
    EXPECT_EQ(parser.head().keep_alive, kept) << version << " " << fields;
  }
}

TEST(HeadParser, ForgetsThePreviousRequest) {
  HeadParser parser;
  ASSERT_EQ(parser.parse("PUT http://x/a?b HTTP/1.0\r\nHost: h\r\nContent-Length: 3\r\nExpect: "
                         "100-continue\r\nConnection: close\r\n\r\n"),
            State::complete);

  parser.reset();
  ASSERT_EQ(parser.parse(get_target("/c")), State::complete);

  const auto& head = parser.head();
  EXPECT_EQ(head.request.path, "/c");
  EXPECT_EQ(head.request.query, "");
  EXPECT_EQ(head.request.headers.get("Host"), "h");
  EXPECT_EQ(head.request.headers.all().size(), 1U);
  EXPECT_EQ(head.request.content_length, 0U);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_FALSE(head.http_1_0);
}

TEST(HeadParser, RefusesAHeadBeyondTheLimitBeforeItEnds) {
  HeadParser parser(HeadLimits{.bytes = 100});
  const std::string head = "GET /" + std::string(100, 'a');

  EXPECT_EQ(parser.parse(std::string_view(head).substr(0, 100)), State::incomplete);
  ASSERT_EQ(parser.parse(head), State::rejected);

  EXPECT_EQ(parser.rejection().status, 431);
}

TEST(HeadParser, TakesAHeadThatJustFitsWithABodyBehindIt) {
  const auto head = get_target("/a");
  HeadParser parser(HeadLimits{.bytes = head.size()});

  EXPECT_EQ(parser.parse(head + std::string(1000, 'x')), State::complete);
}

TEST(HeadParser, RefusesMoreFieldsThanTheLimit) {
  std::string fields = "Host: h\r\n";
  for (int i = 1; i < 100; ++i) {
    fields += "X: y\r\n";
  }
  HeadParser at_limit;
  HeadParser beyond;

  EXPECT_EQ(at_limit.parse(get(fields)), State::complete);
  ASSERT_EQ(beyond.parse(get(fields + "X: y\r\n")), State::rejected);

  EXPECT_EQ(beyond.rejection().status, 431);
}

}  // namespace
}  // namespace agent::net
