#include "agent/net/client_pool.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/net/scripted_server.hpp"
#include "tests/net/test_server.hpp"
#include "tests/net/tls_server.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::net {
namespace {

using agent::tests::FailsSaying;
using agent::tests::FailsWith;
using agent::tests::Succeeds;
using agent::tests::TempFolder;
using tests::ScriptedServer;
using tests::TestServer;
using tests::TlsServer;

constexpr std::string_view k_empty_ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

std::string url_of(const TestServer& server, std::string_view target) {
  return fmt::format("http://127.0.0.1:{}{}", server.port(), target);
}

ClientRequest request_of(std::string method) {
  return {.method = std::move(method), .target = "unused", .headers = {}, .body = {}};
}

TEST(ClientPool, SplitsUrlsByteForByte) {
  const auto split = split_url("HTTPS://Host.Example:8443/a%2Fb//c?x=%2f&sig=A+b%3D%3D");

  ASSERT_THAT(split, Succeeds());
  EXPECT_EQ(split->origin, "https://host.example:8443");
  EXPECT_EQ(split->target, "/a%2Fb//c?x=%2f&sig=A+b%3D%3D");
  EXPECT_EQ(split_url("http://h")->target, "/");
  EXPECT_EQ(split_url("http://h?q=1")->target, "/?q=1");
}

TEST(ClientPool, RefusesWhatIsNoUrlWithoutShowingItsQuery) {
  for (const std::string_view url :
       {"", "h/p?sig=confidential", "ftp://h/?sig=confidential", "http://", "://h"}) {
    EXPECT_THAT(split_url(url), FailsWith(Errc::invalid)) << url;
    EXPECT_THAT(split_url(url), testing::Not(FailsSaying("confidential"))) << url;
  }
}

TEST(ClientPool, ReusesConnections) {
  TestServer server;
  ClientPool pool({});

  for (int i = 0; i < 5; ++i) {
    const auto answer = pool.send(url_of(server, "/echo?a=%2F&b="), request_of("GET"));
    ASSERT_THAT(answer, Succeeds());
    EXPECT_EQ(answer->body, "a=%2F&b=");
  }

  EXPECT_EQ(server.registry().total("hearth_http_connections"), 1U);
}

TEST(ClientPool, ServesManyThreadsAndKeepsFewConnections) {
  TestServer server;
  ClientPool pool({.client = {}, .proxies = {}, .idle_per_origin = 2});
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (int turn = 0; turn < 20; ++turn) {
          const auto answer = pool.send(url_of(server, "/hello"), request_of("GET"));
          EXPECT_THAT(answer, Succeeds());
        }
      });
    }
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (server.registry().total("hearth_http_connections") > 2 &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }

  EXPECT_LE(server.registry().total("hearth_http_connections"), 2U);
}

TEST(ClientPool, SendsBorrowedBodiesOfTensOfMebibytes) {
  TestServer server;
  ClientPool pool({});
  const std::string body(std::size_t{32} << 20U, 'x');

  const auto answer = pool.send(url_of(server, "/sink"), request_of("PUT"), body);

  ASSERT_THAT(answer, Succeeds());
  EXPECT_EQ(answer->body, std::to_string(body.size()));
}

TEST(ClientPool, DoesNotRepeatWhatMustNotBeRepeated) {
  ScriptedServer server({{.answer = std::string(k_empty_ok)},
                         {.answer = "", .close = true},
                         {.answer = std::string(k_empty_ok)}});
  ClientPool pool({});
  ASSERT_THAT(pool.send(server.url(), request_of("GET")), Succeeds());
  auto once = request_of("PUT");
  once.repeat = Repeat::never;

  EXPECT_THAT(pool.send(server.url(), once), FailsWith(Errc::transient));

  EXPECT_EQ(server.connections(), 1U);
}

TEST(ClientPool, KeepsNoConnectionThatFailed) {
  ScriptedServer server({{.answer = "nonsense\r\n\r\n"}, {.answer = std::string(k_empty_ok)}});
  ClientPool pool({});

  EXPECT_THAT(pool.send(server.url(), request_of("GET")), FailsWith(Errc::corrupt));
  EXPECT_THAT(pool.send(server.url(), request_of("GET")), Succeeds());

  EXPECT_EQ(server.connections(), 2U);
}

TEST(ClientPool, SendsPlainRequestsWholeToAProxy) {
  TestServer proxy;  // an HTTP server takes the absolute form too
  ClientPool pool(
      {.client = {}, .proxies = {.https = {}, .http = url_of(proxy, ""), .exceptions = "near.example"}});

  const auto answer = pool.send("http://far.example/echo?x=1", request_of("GET"));

  ASSERT_THAT(answer, Succeeds());
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "x=1");
}

TEST(ClientPool, SaysWhenAProxyRefusesATunnel) {
  ScriptedServer proxy({{.answer = "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n", .close = true}});
  ClientPool pool({.client = {}, .proxies = {.https = proxy.url(), .http = {}, .exceptions = {}}});

  const auto answer = pool.send("https://far.example/", request_of("GET"));

  EXPECT_THAT(answer, FailsWith(Errc::denied));
  EXPECT_THAT(answer, FailsSaying("NO_PROXY"));
}

TEST(ClientPool, TrustsAnExtraCertificate) {
  TempFolder folder;
  TlsServer server;
  const auto bundle = folder.path() / "ca.pem";
  ASSERT_TRUE(server.write_certificate(bundle.string()));

  ClientPool trusting({.client = {.ca_file = bundle}, .proxies = {}});
  const auto answer = trusting.send(server.url(), request_of("GET"));
  ASSERT_THAT(answer, Succeeds());
  EXPECT_EQ(answer->body, "secret");

  ClientPool strict({});
  EXPECT_THAT(strict.send(server.url(), request_of("GET")), FailsWith(Errc::denied));
  ClientPool wrong({.client = {.ca_file = folder.path() / "missing.pem"}, .proxies = {}});
  EXPECT_THAT(wrong.send(server.url(), request_of("GET")), FailsWith(Errc::invalid));
  EXPECT_THAT(wrong.send(server.url(), request_of("GET")), FailsSaying("missing.pem"));
}

}  // namespace
}  // namespace agent::net
