#include "agent/net/http_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/net/test_server.hpp"

namespace agent::net {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using tests::RawClient;
using tests::TestServer;

std::string get(std::string_view target, std::string_view fields = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n";
}

std::string put(std::string_view target, std::string_view body, std::string_view fields = "") {
  return "PUT " + std::string(target) +
         " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}

TEST(HttpServer, AnswersOverOneKeptConnection) {
  TestServer server;
  auto client = server.client();

  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.send(get("/hello")));
    const auto answer = client.read_answer();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nDate: "));
    EXPECT_THAT(answer, EndsWith(" GMT\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhello"));
  }
  EXPECT_EQ(server.registry().total("hearth_http_requests_total"), 3U);
  EXPECT_EQ(server.registry().total("hearth_http_connections"), 1U);
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  TestServer server;
  auto client = server.client();
  std::string requests;
  constexpr int k_count = 200;  // more than one turn of the loop
  for (int i = 0; i < k_count; ++i) {
    requests += i % 10 == 5 ? put("/sink", "body" + std::to_string(i)) : get("/echo?" + std::to_string(i));
  }

  ASSERT_TRUE(client.send(requests));

  for (int i = 0; i < k_count; ++i) {
    const auto expected = i % 10 == 5 ? std::to_string(4 + std::to_string(i).size()) : std::to_string(i);
    ASSERT_THAT(client.read_answer(), EndsWith("\r\n\r\n" + expected));
  }
}

TEST(HttpServer, UnderstandsARequestThatArrivesByteByByte) {
  TestServer server;
  auto client = server.client();

  for (const char c : put("/sink", "hello")) {
    ASSERT_TRUE(client.send(std::string_view(&c, 1)));
  }

  EXPECT_THAT(client.read_answer(), EndsWith("\r\n\r\n5"));
}

TEST(HttpServer, SendsFilesOfEverySizeWhole) {
  TestServer server;
  auto client = server.client();
  for (const std::size_t size : {0U, 1U, 4096U, 16384U, 16385U, 65536U, 3U << 20U}) {
    ASSERT_TRUE(client.send(get("/file?" + std::to_string(size))));
    const auto answer = client.read_answer();
    EXPECT_THAT(answer.substr(0, 200), HasSubstr("Content-Length: " + std::to_string(size) + "\r\n"));
    EXPECT_TRUE(answer.ends_with("\r\n\r\n" + TestServer::content(size))) << size;
  }
}

TEST(HttpServer, SendsABigFileToASlowReaderWhileOthersAreServed) {
  TestServer server({.loops = 1});
  constexpr std::size_t k_size = 8U << 20U;
  RawClient slow(server.port(), 4096);
  ASSERT_TRUE(slow.send(get("/file?" + std::to_string(k_size))));
  ASSERT_TRUE(slow.receive());

  auto quick = server.client();
  ASSERT_TRUE(quick.send(get("/hello")));
  EXPECT_THAT(quick.read_answer(), EndsWith("hello"));

  EXPECT_TRUE(slow.read_answer().ends_with("\r\n\r\n" + TestServer::content(k_size)));
}

TEST(HttpServer, AnswersHeadWithTheLengthAlone) {
  TestServer server;
  auto client = server.client();

  for (const std::string_view target : {"/hello", "/file?100000"}) {
    ASSERT_TRUE(client.send("HEAD " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n\r\n"));
    const auto answer = client.read_answer(true);
    EXPECT_THAT(answer,
                HasSubstr(target == "/hello" ? "Content-Length: 5\r\n" : "Content-Length: 100000\r\n"));
    EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
  }
  ASSERT_TRUE(client.send(get("/hello")));
  EXPECT_THAT(client.read_answer(), EndsWith("hello"));
}

TEST(HttpServer, SendsNoLengthWithNoContent) {
  TestServer server;
  auto client = server.client();

  ASSERT_TRUE(client.send(get("/none")));

  EXPECT_THAT(client.read_answer(), Not(HasSubstr("Content-Length")));
}

TEST(HttpServer, TakesChunkedBodies) {
  TestServer server;
  auto client = server.client();

  ASSERT_TRUE(client.send(
      "PUT /sink HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n"));
  ASSERT_TRUE(client.send("0\r\n\r\n" + get("/hello")));

  EXPECT_THAT(client.read_answer(), EndsWith("\r\n\r\n6"));
  EXPECT_THAT(client.read_answer(), EndsWith("hello"));
  EXPECT_TRUE(server.upload_becomes([](const auto& upload) { return upload.bytes == "hello!"; }));
}

TEST(HttpServer, TakesALargeBodyUnchanged) {
  TestServer server;
  auto client = server.client();
  const auto body = TestServer::content(5U << 20U);

  ASSERT_TRUE(client.send(put("/sink", body)));

  EXPECT_THAT(client.read_answer(), EndsWith("\r\n\r\n" + std::to_string(body.size())));
  EXPECT_TRUE(server.upload_becomes([&](const auto& upload) { return upload.bytes == body; }));
}

TEST(HttpServer, SaysContinueToWhoAsksForIt) {
  TestServer server;
  auto client = server.client();

  ASSERT_TRUE(
      client.send("PUT /sink HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"));
  EXPECT_EQ(client.read_answer(), "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_TRUE(client.send("ab"));

  EXPECT_THAT(client.read_answer(), EndsWith("\r\n\r\n2"));
}

TEST(HttpServer, RefusesInsteadOfSayingContinue) {
  TestServer server;
  auto client = server.client();

  ASSERT_TRUE(
      client.send("PUT /gone HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"));

  const auto answer = client.read_to_end();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
}

TEST(HttpServer, DropsTheBodyOfARequestItAnswersFromTheHead) {
  TestServer server;
  auto client = server.client();

  ASSERT_TRUE(client.send(put("/gone", std::string(300'000, 'x')) + get("/hello")));

  EXPECT_THAT(client.read_answer(), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(client.read_answer(), EndsWith("hello"));
}

TEST(HttpServer, AnswersAFailingSinkAtOnceAndCloses) {
  TestServer server;
  struct Case {
    std::string_view target;
    std::string_view status;
  };
  for (const auto& [target, status] : {Case{"/full", "HTTP/1.1 507 "}, Case{"/odd", "HTTP/1.1 400 "}}) {
    auto client = server.client();
    ASSERT_TRUE(client.send("PUT " + std::string(target) +
                            " HTTP/1.1\r\nHost: h\r\nContent-Length: 5000000\r\n\r\n"));
    ASSERT_TRUE(client.send(std::string(1'000'000, 'x')));  // lingering keeps this from resetting the answer
    client.shut_writing();
    const auto answer = client.read_to_end();
    EXPECT_THAT(answer, StartsWith(status));
    EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  }
}

TEST(HttpServer, ForgetsAnUploadWhoseClientVanishes) {
  TestServer server;
  for (const bool reset : {false, true}) {
    auto client = server.client();
    ASSERT_TRUE(client.send("PUT /sink HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\npartial"));
    ASSERT_TRUE(server.upload_becomes([](const auto& upload) { return upload.bytes == "partial"; }));

    reset ? client.close_with_reset() : client.close();

    EXPECT_TRUE(
        server.upload_becomes([](const auto& upload) { return upload.destroyed && !upload.finished; }));
  }
}

TEST(HttpServer, SendsAnswersFromOtherThreads) {
  TestServer server;
  auto client = server.client();
  ASSERT_TRUE(client.send(get("/later") + get("/hello")));
  auto respond = server.take_responder();
  ASSERT_TRUE(respond.has_value());

  std::jthread([&] { (*respond)(text_response(200, "at last")); }).join();

  EXPECT_THAT(client.read_answer(), EndsWith("at last"));
  EXPECT_THAT(client.read_answer(), EndsWith("hello"));
}

TEST(HttpServer, HoldsAnEarlyAnswerUntilTheBodyIsComplete) {
  TestServer server;
  auto client = server.client();
  ASSERT_TRUE(client.send("POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nab"));
  auto respond = server.take_responder();
  ASSERT_TRUE(respond.has_value());

  (*respond)(text_response(200, "early"));
  ASSERT_TRUE(client.send("cd" + get("/hello")));

  EXPECT_THAT(client.read_answer(), EndsWith("early"));
  EXPECT_THAT(client.read_answer(), EndsWith("hello"));
}

TEST(HttpServer, IgnoresAnAnswerToAClientThatIsGone) {
  TestServer server;
  std::optional<Responder> respond;
  {
    auto client = server.client();
    ASSERT_TRUE(client.send(get("/later")));
    respond = server.take_responder();
    ASSERT_TRUE(respond.has_value());
    client.close_with_reset();
  }

  (*respond)(text_response(200, "too late"));

  auto other = server.client();
  ASSERT_TRUE(other.send(get("/hello")));
  EXPECT_THAT(other.read_answer(), EndsWith("hello"));
}

TEST(HttpServer, OutlivesResponders) {
  TestServer server;
  auto client = server.client();
  ASSERT_TRUE(client.send(get("/later")));
  auto respond = server.take_responder();
  ASSERT_TRUE(respond.has_value());

  server.stop();

  (*respond)(text_response(200, "too late"));
  EXPECT_TRUE(client.is_closed_by_peer());
}

TEST(HttpServer, ClosesWhereAHandlerDropsItsResponder) {
  TestServer server;
  auto client = server.client();

  ASSERT_TRUE(client.send(get("/never")));

  EXPECT_TRUE(client.is_closed_by_peer());
  EXPECT_EQ(server.rejected("handler"), 1U);
}

TEST(HttpServer, SurvivesAHandlerThatThrows) {
  TestServer server;
  auto client = server.client();

  ASSERT_TRUE(client.send(get("/throw")));

  EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 500 "));
  auto other = server.client();
  ASSERT_TRUE(other.send(get("/hello")));
  EXPECT_THAT(other.read_answer(), EndsWith("hello"));
}

TEST(HttpServer, KeepsLineBreaksOutOfItsHeaders) {
  TestServer server;
  auto client = server.client();

  ASSERT_TRUE(client.send(get("/inject")));

  const auto answer = client.read_answer();
  EXPECT_THAT(answer, HasSubstr("X-Safe: a\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("Injected")));
}

TEST(HttpServer, SpeaksHttp10) {
  TestServer server;
  auto once = server.client();
  auto kept = server.client();

  ASSERT_TRUE(once.send("GET /hello HTTP/1.0\r\n\r\n"));
  EXPECT_THAT(once.read_to_end(), EndsWith("hello"));

  ASSERT_TRUE(kept.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  EXPECT_THAT(kept.read_answer(), HasSubstr("Connection: keep-alive\r\n"));
  ASSERT_TRUE(kept.send("GET /hello HTTP/1.0\r\n\r\n"));
  EXPECT_THAT(kept.read_to_end(), HasSubstr("Connection: close\r\n"));
}

TEST(HttpServer, AnswersAClientThatStoppedSending) {
  TestServer server;
  auto client = server.client();

  ASSERT_TRUE(client.send(get("/hello")));
  client.shut_writing();

  EXPECT_THAT(client.read_to_end(), EndsWith("hello"));
}

TEST(HttpServer, ClosesInsteadOfSendingAShortFile) {
  TestServer server;
  server.overstate_files(10);
  auto small = server.client();
  auto large = server.client();

  ASSERT_TRUE(small.send(get("/file?100")));
  EXPECT_THAT(small.read_answer(), StartsWith("HTTP/1.1 500 "));

  ASSERT_TRUE(large.send(get("/file?100000")));
  const auto answer = large.read_to_end();
  EXPECT_THAT(answer.substr(0, 200), HasSubstr("Content-Length: 100010\r\n"));
  EXPECT_TRUE(answer.ends_with(TestServer::content(100'000)));
  EXPECT_EQ(server.rejected("body_source"), 2U);
}

TEST(HttpServer, KnowsWhenItWasLastUsed) {
  TestServer server;
  const auto before = std::chrono::steady_clock::now();
  EXPECT_LT(server.server().last_activity(), before);
  auto client = server.client();

  ASSERT_TRUE(client.send(get("/hello")));
  ASSERT_THAT(client.read_answer(), EndsWith("hello"));

  EXPECT_GE(server.server().last_activity() + 1ms, before);
}

}  // namespace
}  // namespace agent::net
