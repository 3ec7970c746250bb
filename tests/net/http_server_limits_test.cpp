// What hostile or unlucky clients meet: limits, deadlines, refusals; and how the server begins and ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/net/descriptor_shortage.hpp"
#include "tests/net/test_server.hpp"
#include "tests/support/result_matchers.hpp"

namespace agent::net {
namespace {

using namespace std::chrono_literals;
using agent::tests::FailsWith;
using agent::tests::TempFolder;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;
using tests::RawClient;
using tests::TestServer;

std::string get(std::string_view target) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n\r\n";
}

Handler not_found() {
  return [](const Request&, Responder&) -> Decision { return text_response(404, ""); };
}

TEST(HttpServerLimits, RefusesAndClosesOnMalformedRequests) {
  TestServer server;
  struct Case {
    std::string request;
    std::string_view status;
  };
  const std::vector<Case> cases = {
      {get("/a/../../etc/passwd"), "HTTP/1.1 400 "},
      {get("/a/%2e%2e/b"), "HTTP/1.1 400 "},
      {"GET /hello HTTP/1.1\nHost: h\n\n", "HTTP/1.1 400 "},
      {"GET /hello HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
      {"GET /hello HTTP/3.0\r\nHost: h\r\n\r\n", "HTTP/1.1 505 "},
      {"PUT /sink HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       "HTTP/1.1 400 "},
      {"PUT /sink HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + get("/hello"),
       "HTTP/1.1 400 "},
      {"GET /" + std::string(70'000, 'a'), "HTTP/1.1 431 "},
  };
  for (const auto& [request, status] : cases) {
    auto client = server.client();
    ASSERT_TRUE(client.send(request + "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"));
    client.shut_writing();
    const auto answer = client.read_to_end();
    EXPECT_THAT(answer, StartsWith(status)) << request.substr(0, 100);
    EXPECT_THAT(answer, testing::Not(HasSubstr("hello"))) << "what follows a malformed request is not one";
  }
  EXPECT_EQ(server.rejected("malformed"), cases.size() - 1);
  EXPECT_EQ(server.rejected("head_too_large"), 1U);
}

TEST(HttpServerLimits, RefusesBodiesBeyondTheLimit) {
  TestServer server({.max_body_bytes = 1000});
  auto announced = server.client();
  auto chunked = server.client();

  ASSERT_TRUE(announced.send("PUT /sink HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n"));
  EXPECT_THAT(announced.read_answer(), StartsWith("HTTP/1.1 413 "));

  ASSERT_TRUE(chunked.send("PUT /sink HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" +
                           std::string(1001, 'x')));
  EXPECT_THAT(chunked.read_answer(), StartsWith("HTTP/1.1 413 "));
  EXPECT_EQ(server.rejected("body_too_large"), 2U);
}

TEST(HttpServerLimits, GivesUpOnASlowHead) {
  TestServer server({.head_timeout = 150ms});
  auto client = server.client();

  ASSERT_TRUE(client.send("GET /hello HTTP/1.1\r\nHo"));
  client.receive();

  EXPECT_THAT(client.read_answer(), StartsWith("HTTP/1.1 408 "));
  EXPECT_EQ(server.rejected("timeout"), 1U);
}

TEST(HttpServerLimits, GivesUpOnATricklingHead) {
  TestServer server({.head_timeout = 150ms});
  auto client = server.client();
  const auto begin = std::chrono::steady_clock::now();

  std::jthread trickle([&](const std::stop_token& stop) {
    while (!stop.stop_requested() && client.send("X")) {
      std::this_thread::sleep_for(20ms);
    }
  });
  client.receive();

  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
}

TEST(HttpServerLimits, GivesUpOnASlowBody) {
  TestServer server({.head_timeout = 150ms});
  auto client = server.client();

  ASSERT_TRUE(client.send("PUT /sink HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc"));

  EXPECT_THAT(client.read_answer(), StartsWith("HTTP/1.1 408 "));
  EXPECT_TRUE(server.upload_becomes([](const auto& upload) { return upload.destroyed && !upload.finished; }));
}

TEST(HttpServerLimits, ClosesIdleConnectionsSilently) {
  TestServer server({.idle_timeout = 100ms});
  auto fresh = server.client();
  auto used = server.client();
  ASSERT_TRUE(used.send(get("/hello")));
  ASSERT_THAT(used.read_answer(), EndsWith("hello"));

  EXPECT_TRUE(fresh.is_closed_by_peer());
  EXPECT_TRUE(used.is_closed_by_peer());
}

TEST(HttpServerLimits, DropsAReaderThatDoesNotRead) {
  TestServer server({.idle_timeout = 150ms});
  auto first = server.client();
  ASSERT_TRUE(first.send("HEAD /file?8388608 HTTP/1.1\r\nHost: h\r\n\r\n"));  // makes the file
  ASSERT_THAT(first.read_answer(true), HasSubstr("Content-Length: 8388608"));
  RawClient client(server.port(), 4096);

  ASSERT_TRUE(client.send(get("/file?8388608")));

  EXPECT_TRUE(server.rejections_become("timeout", 1));
  EXPECT_LT(client.read_to_end().size(), 8'388'608U);
}

TEST(HttpServerLimits, DoesNotChargeTheHandlersTimeToTheClient) {
  TestServer server({.loops = 1, .head_timeout = 500ms});
  auto sender = server.client();
  auto other = server.client();

  // The handler blocks the loop for longer than the limit, before the body's deadline begins.
  ASSERT_TRUE(sender.send("PUT /slow-sink HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n"));
  for (int i = 0; i < 2; ++i) {  // overdue connections are looked for behind each answer
    ASSERT_TRUE(other.send(get("/hello")));
    ASSERT_THAT(other.read_answer(), EndsWith("hello"));
  }

  ASSERT_TRUE(sender.send("body"));
  EXPECT_THAT(sender.read_answer(), EndsWith("\r\n\r\n4"));
  EXPECT_EQ(server.rejected("timeout"), 0U);
}

TEST(HttpServerLimits, DoesNotTimeOutAHandlerThatTakesItsTime) {
  TestServer server({.head_timeout = 50ms, .idle_timeout = 50ms});
  auto client = server.client();
  ASSERT_TRUE(client.send(get("/later")));
  auto respond = server.take_responder();
  ASSERT_TRUE(respond.has_value());

  std::this_thread::sleep_for(200ms);
  (*respond)(text_response(200, "at last"));

  EXPECT_THAT(client.read_answer(), EndsWith("at last"));
}

TEST(HttpServerLimits, ServesManyConnectionsAtOnce) {
  TestServer server;
  constexpr std::size_t k_connections = 300;
  std::vector<RawClient> clients;
  clients.reserve(k_connections);
  for (std::size_t i = 0; i < k_connections; ++i) {
    clients.push_back(server.client());
    ASSERT_TRUE(clients.back().connected());
  }

  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < k_connections; ++i) {
      ASSERT_TRUE(clients[i].send(get("/echo?" + std::to_string(i))));
    }
    for (std::size_t i = 0; i < k_connections; ++i) {
      ASSERT_THAT(clients[i].read_answer(), EndsWith("\r\n\r\n" + std::to_string(i)));
    }
  }
  EXPECT_EQ(server.registry().total("hearth_http_connections"), k_connections);
}

TEST(HttpServerLimits, TurnsConnectionsBeyondTheLimitAway) {
  TestServer server({.max_connections = 2});
  auto first = server.client();
  auto second = server.client();
  ASSERT_TRUE(first.send(get("/hello")));
  ASSERT_THAT(first.read_answer(), EndsWith("hello"));

  auto third = server.client();
  EXPECT_THAT(third.read_to_end(), StartsWith("HTTP/1.1 503 "));
  EXPECT_EQ(server.rejected("connections"), 1U);

  second.close();
  ASSERT_TRUE(first.send(get("/hello")));
  EXPECT_THAT(first.read_answer(), EndsWith("hello"));
}

TEST(HttpServerLimits, ListensOnAUnixSocketForItsOwnerOnly) {
  TempFolder folder;
  const auto path = folder.path() / "s.sock";
  {
    TestServer server({.address = "", .unix_socket = path});
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    RawClient client(path.string());

    ASSERT_TRUE(client.send(get("/hello")));

    EXPECT_THAT(client.read_answer(), EndsWith("\r\n\r\nunix"));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(HttpServerLimits, ReplacesOnlyASocketThatNobodyAnswersOn) {
  TempFolder folder;
  const auto path = folder.path() / "s.sock";
  metrics::Registry registry;
  HttpServerOptions options{.address = "", .unix_socket = path};
  {  // what a killed process leaves behind
    const io::Fd stale(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.string().size());
    ASSERT_EQ(::bind(stale.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }

  const auto first = HttpServer::start(options, not_found(), registry);
  ASSERT_THAT(first, agent::tests::Succeeds());
  EXPECT_THAT(HttpServer::start(options, not_found(), registry), FailsWith(Errc::conflict));

  const auto file = folder.path() / "file";
  ASSERT_TRUE(io::write_file(file, "precious").has_value());
  EXPECT_THAT(HttpServer::start({.address = "", .unix_socket = file}, not_found(), registry),
              FailsWith(Errc::conflict));
  EXPECT_EQ(io::read_file(file, 100).value(), "precious");
}

TEST(HttpServerLimits, SaysWhyItCannotListen) {
  TestServer server;
  metrics::Registry registry;
  const auto start = [&](HttpServerOptions options) {
    return HttpServer::start(std::move(options), not_found(), registry);
  };

  EXPECT_THAT(start({.address = ""}), FailsWith(Errc::invalid));
  EXPECT_THAT(start({.port = server.port()}), FailsWith(Errc::conflict));
  EXPECT_THAT(start({.address = "nowhere.invalid"}), FailsWith(Errc::invalid));
  EXPECT_THAT(start({.address = "192.0.2.1"}), FailsWith(Errc::invalid));
  EXPECT_THAT(start({.address = "", .unix_socket = "/tmp/" + std::string(110, 'x')}),
              FailsWith(Errc::invalid));
}

TEST(HttpServerLimits, DrainsAnswersInProgressAndAcceptsNoMore) {
  TestServer server;
  auto idle = server.client();
  auto busy = server.client();
  ASSERT_TRUE(idle.send(get("/hello")));
  ASSERT_THAT(idle.read_answer(), EndsWith("hello"));
  ASSERT_TRUE(busy.send(get("/later")));
  auto respond = server.take_responder();
  ASSERT_TRUE(respond.has_value());

  std::jthread drain([&] { server.server().drain(2s); });
  EXPECT_TRUE(idle.is_closed_by_peer());
  // The listener is another thread's to close; it may come a moment later.
  const auto limit = std::chrono::steady_clock::now() + 1500ms;
  while (server.client().connected() && std::chrono::steady_clock::now() < limit) {
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_FALSE(server.client().connected());
  (*respond)(text_response(200, "the last"));

  const auto answer = busy.read_to_end();
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, EndsWith("the last"));
  drain.join();
  EXPECT_EQ(server.registry().total("hearth_http_connections"), 0U);
}

TEST(HttpServerLimits, ClosesBehindAnAnswerThatBeganBeforeTheDrain) {
  TestServer server;
  constexpr std::size_t k_size = 8U << 20U;
  RawClient reader(server.port(), 4096);
  ASSERT_TRUE(reader.send(get("/file?" + std::to_string(k_size))));
  ASSERT_TRUE(reader.receive());
  const auto begin = std::chrono::steady_clock::now();

  std::jthread drain([&] { server.server().drain(20s); });
  EXPECT_TRUE(reader.read_answer().ends_with(TestServer::content(k_size)));
  EXPECT_TRUE(reader.is_closed_by_peer());
  drain.join();

  EXPECT_LT(std::chrono::steady_clock::now() - begin, 15s);
}

TEST(HttpServerLimits, AcceptsWhoWaitedWhileDescriptorsWereShort) {
  TestServer server;
  io::Fd socket(::socket(AF_INET, SOCK_STREAM, 0));
  {
    const tests::DescriptorShortage
        shortage;  // the kernel completes the connection, and nobody can accept it
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_TRUE(server.some_rejected("descriptors"));
  }

  RawClient client(std::move(socket));
  ASSERT_TRUE(client.send(get("/hello")));

  EXPECT_THAT(client.read_answer(), EndsWith("hello"));
}

TEST(HttpServerLimits, EndsDrainingAtItsDeadline) {
  TestServer server;
  auto client = server.client();
  ASSERT_TRUE(client.send(get("/later")));
  auto respond = server.take_responder();
  ASSERT_TRUE(respond.has_value());
  const auto begin = std::chrono::steady_clock::now();

  server.server().drain(100ms);

  EXPECT_GE(std::chrono::steady_clock::now() - begin, 100ms);
  EXPECT_EQ(server.registry().total("hearth_http_connections"), 1U);
}

}  // namespace
}  // namespace agent::net
