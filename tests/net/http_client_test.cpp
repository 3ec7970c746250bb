#include "agent/net/http_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/net/scripted_server.hpp"
#include "tests/net/test_server.hpp"
#include "tests/net/tls_server.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::net {
namespace {

using namespace std::chrono_literals;
using agent::tests::FailsSaying;
using agent::tests::FailsWith;
using agent::tests::Succeeds;
using agent::tests::TempFolder;
using tests::ScriptedServer;
using tests::TestServer;
using tests::TlsServer;

HttpClient client_of(const std::string& url, ClientOptions options = {}) {
  return HttpClient::to_url(url, std::move(options)).value();
}

HttpClient client_of(const TestServer& server, ClientOptions options = {}) {
  return client_of("http://127.0.0.1:" + std::to_string(server.port()), std::move(options));
}

ClientRequest request_of(std::string method, std::string target, std::string body = {}) {
  return {.method = std::move(method), .target = std::move(target), .headers = {}, .body = std::move(body)};
}

ClientRequest get(std::string target) {
  return request_of("GET", std::move(target));
}

constexpr std::string_view k_empty_ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

TEST(HttpClient, ExchangesOverOneConnection) {
  TestServer server;
  auto client = client_of(server);

  for (const std::size_t size : {0U, 10U, 70'000U, 3'000'000U}) {
    const auto put = client.send(request_of("PUT", "/sink", TestServer::content(size)));
    ASSERT_THAT(put, Succeeds());
    EXPECT_EQ(put->status, 201);
    EXPECT_EQ(put->body, std::to_string(size));

    const auto got = client.send(get("/file?" + std::to_string(size)));
    ASSERT_THAT(got, Succeeds());
    EXPECT_EQ(got->status, 200);
    EXPECT_TRUE(got->body == TestServer::content(size)) << size;
  }
  EXPECT_EQ(server.registry().total("hearth_http_connections"), 1U);
}

TEST(HttpClient, ReturnsEveryStatusAsAnAnswer) {
  TestServer server;
  auto client = client_of(server);

  EXPECT_EQ(client.send(get("/gone")).value().status, 404);
  EXPECT_EQ(client.send(get("/none")).value().status, 204);
  EXPECT_EQ(client.send(request_of("HEAD", "/hello")).value().body, "");
  EXPECT_EQ(client.send(get("/throw")).value().status, 500);
  EXPECT_EQ(client.send(get("/hello")).value().body, "hello");
}

TEST(HttpClient, SpeaksOverAUnixSocket) {
  TempFolder folder;
  const auto path = folder.path() / "s.sock";
  const TestServer server({.address = "", .unix_socket = path});
  auto client = HttpClient::to_unix_socket(path).value();

  EXPECT_EQ(client.send(get("/hello")).value().body, "unix");
  EXPECT_EQ(client.send(get("/echo?x=%20")).value().body, "x=%20");
}

TEST(HttpClient, OpensAConnectionAgainThatTheServerClosedMeanwhile) {
  TestServer server({.idle_timeout = 50ms});
  auto client = client_of(server);
  ASSERT_THAT(client.send(get("/hello")), Succeeds());
  const auto deadline = std::chrono::steady_clock::now() + 2s;
  while (server.registry().total("hearth_http_connections") > 0 &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(10ms);
  }

  EXPECT_THAT(client.send(request_of("POST", "/sink", "x")), Succeeds());
}

TEST(HttpClient, RepeatsWhatIsSafeToRepeatWhenAKeptConnectionIsCut) {
  ScriptedServer server({{.answer = std::string(k_empty_ok)},
                         {.answer = "", .close = true},
                         {.answer = std::string(k_empty_ok)}});
  auto client = client_of(server.url());

  ASSERT_THAT(client.send(get("/")), Succeeds());
  EXPECT_THAT(client.send(get("/")), Succeeds());

  EXPECT_EQ(server.connections(), 2U);
}

TEST(HttpClient, NeverPostsTwice) {
  ScriptedServer server({{.answer = std::string(k_empty_ok)},
                         {.answer = "", .close = true},
                         {.answer = std::string(k_empty_ok)}});
  auto client = client_of(server.url());
  ASSERT_THAT(client.send(get("/")), Succeeds());

  EXPECT_THAT(client.send(request_of("POST", "/")), FailsWith(Errc::transient));

  EXPECT_EQ(server.connections(), 1U);
}

TEST(HttpClient, DoesNotRepeatOnANewConnection) {
  ScriptedServer server({{.answer = "", .close = true}, {.answer = std::string(k_empty_ok)}});
  auto client = client_of(server.url());

  EXPECT_THAT(client.send(get("/")), FailsWith(Errc::transient));
}

TEST(HttpClient, CallsATruncatedAnswerTransient) {
  ScriptedServer server(
      {{.answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", .close = true},
       {.answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", .close = true}});
  auto client = client_of(server.url());

  EXPECT_THAT(client.send(get("/")), FailsWith(Errc::transient));
  EXPECT_THAT(client.send(get("/")), FailsWith(Errc::transient));
}

TEST(HttpClient, BoundsAnswers) {
  TestServer server;
  auto client = client_of(server, {.max_answer_bytes = 1000});

  EXPECT_THAT(client.send(get("/file?1000")), Succeeds());
  EXPECT_THAT(client.send(get("/file?1001")), FailsWith(Errc::invalid));
  EXPECT_THAT(client.send(get("/hello")), Succeeds());
}

TEST(HttpClient, WaitsNoLongerThanItsTimeout) {
  TestServer server;
  auto client = client_of(server, {.timeout = 100ms});
  const auto begin = std::chrono::steady_clock::now();

  EXPECT_THAT(client.send(get("/later")), FailsWith(Errc::transient));
  ASSERT_THAT(client.send(get("/hello")), Succeeds());
  EXPECT_THAT(client.send(get("/later")), FailsWith(Errc::transient));

  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
}

TEST(HttpClient, ReadsTheAnswerOfAServerThatRefusesTheBody) {
  TestServer server;
  auto client = client_of(server);

  const auto refused = client.send(request_of("PUT", "/full", std::string(8'000'000, 'x')));

  ASSERT_THAT(refused, Succeeds());
  EXPECT_EQ(refused->status, 507);
  EXPECT_THAT(client.send(get("/hello")), Succeeds());
}

TEST(HttpClient, CallsARefusedConnectionTransient) {
  std::uint16_t port = 0;
  {
    const TestServer server;
    port = server.port();
  }
  auto client = client_of("http://127.0.0.1:" + std::to_string(port));

  EXPECT_THAT(client.send(get("/")), FailsWith(Errc::transient));
  EXPECT_THAT(HttpClient::to_unix_socket("/nowhere/s.sock").value().send(get("/")),
              FailsWith(Errc::transient));
}

TEST(HttpClient, RefusesUrlsItCannotUse) {
  for (const std::string_view url :
       {"", "127.0.0.1:80", "ftp://h", "http://", "http://u:p@h", "http://h:99999"}) {
    EXPECT_THAT(HttpClient::to_url(url), FailsWith(Errc::invalid)) << url;
  }
  EXPECT_THAT(HttpClient::to_unix_socket(std::string(108, 'x')), FailsWith(Errc::invalid));
}

TEST(HttpClient, SendsNothingThatCouldBeReadAsTwoRequests) {
  TestServer server;
  auto client = client_of(server);
  auto with_break = get("/hello");
  with_break.headers.add("X", "a\r\nY: b");

  EXPECT_THAT(client.send(with_break), FailsWith(Errc::invalid));
  EXPECT_THAT(client.send(get("/a b")), FailsWith(Errc::invalid));
  EXPECT_THAT(client.send(get("/a\r\nX: y")), FailsWith(Errc::invalid));
  EXPECT_THAT(client.send(get("relative")), FailsWith(Errc::invalid));
  EXPECT_THAT(client.send(request_of("GET /", "/hello")), FailsWith(Errc::invalid));
}

TEST(HttpClient, KeepsQueriesOutOfErrors) {
  ScriptedServer server({{.answer = "nonsense\r\n\r\n", .close = true}});
  auto client = client_of(server.url());

  const auto failed = client.send(get("/path?signature=confidential"));

  EXPECT_THAT(failed, FailsSaying("GET /path at 127.0.0.1"));
  EXPECT_THAT(failed, testing::Not(FailsSaying("confidential")));
}

TEST(HttpClient, SaysOfAServerThatIsNotThereOnlyThat) {
  std::string url;
  {
    ScriptedServer server({});
    url = server.url();
  }

  const auto failed = client_of(url).send(get("/path"));

  EXPECT_THAT(failed, FailsWith(Errc::transient));
  EXPECT_THAT(failed, FailsSaying("connect 127.0.0.1:"));
  EXPECT_THAT(failed, testing::Not(FailsSaying("/path")));
}

TEST(HttpClient, TrustsOnlyCertificatesOfTheSystem) {
  TempFolder folder;
  TlsServer server;
  const auto bundle = (folder.path() / "ca.pem").string();
  ASSERT_TRUE(server.write_certificate(bundle));

  const auto untrusted = client_of(server.url()).send(get("/"));
  EXPECT_THAT(untrusted, FailsWith(Errc::denied));
  EXPECT_THAT(untrusted, FailsSaying("names who did")) << "the way out";
  EXPECT_EQ(server.requests(), 0U);

  ::setenv("SSL_CERT_FILE", bundle.c_str(), 1);  // how OpenSSL is told about the system's certificates
  const auto answer = client_of(server.url()).send(get("/"));
  ::unsetenv("SSL_CERT_FILE");
  ASSERT_THAT(answer, Succeeds());
  EXPECT_EQ(answer->body, "secret");
}

}  // namespace
}  // namespace agent::net
