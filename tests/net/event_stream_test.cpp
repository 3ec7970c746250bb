#include "agent/net/event_stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>

#include "agent/net/http_server.hpp"
#include "tests/net/raw_client.hpp"

namespace agent::net {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;
using tests::RawClient;

constexpr std::string_view k_get = "GET /events HTTP/1.1\r\nHost: h\r\n\r\n";

// A server whose every path is the stream.
class EventStreamTest : public testing::Test {
protected:
  void start(EventStreamOptions options, std::size_t event_bytes = 0) {
    EventSources sources{.greeting = [] { return event_text("greeting", "{}"); },
                         .next =
                             [this, event_bytes] {
                               return event_text("tick",
                                                 std::to_string(++ticks_) + std::string(event_bytes, 'x'));
                             }};
    stream_ = std::make_unique<EventStream>(options, std::move(sources), registry_);
    auto started = HttpServer::start(
        {.max_connections = 4},
        [this](const Request& request, Responder&) { return stream_->admit(request); }, registry_);
    ASSERT_TRUE(started.has_value());
    server_ = *std::move(started);
  }

  RawClient listener() const {
    RawClient client(server_->port());
    EXPECT_TRUE(client.send(k_get));
    EXPECT_THAT(client.read_until("event: greeting\ndata: {}\n\n"), EndsWith("\n\n"));
    return client;
  }

  template <typename Condition>
  static bool eventually(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    while (!condition() && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(5ms);
    }
    return condition();
  }
  std::uint64_t listeners() const { return registry_.total("hearth_event_listeners"); }

  metrics::Registry registry_;
  std::atomic<int> ticks_{0};
  std::unique_ptr<EventStream> stream_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(EventStreamTest, GreetsAndThenTellsWhatHappens) {
  start({.interval = 20ms});
  RawClient client(server_->port());

  ASSERT_TRUE(client.send(k_get));

  const auto text = client.read_until("event: tick\ndata: 2\n\n");
  EXPECT_THAT(text, StartsWith("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream"));
  EXPECT_THAT(text, HasSubstr("\r\n\r\nevent: greeting\ndata: {}\n\nevent: tick\ndata: 1\n\n"));
}

TEST_F(EventStreamTest, MakesNothingWhereNobodyListens) {
  start({.interval = 5ms});
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(ticks_, 0);
  {
    auto client = listener();
    EXPECT_THAT(client.read_until("data: 3\n\n"), HasSubstr("data: 3\n\n"));
  }

  ASSERT_TRUE(eventually([&] { return listeners() == 0; }));

  const int then = ticks_;
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(ticks_, then);
}

TEST_F(EventStreamTest, MakesOneTextForAllListeners) {
  start({.interval = 50ms});
  auto first = listener();
  auto second = listener();

  first.read_until("data: 4\n\n");
  second.read_until("data: 4\n\n");

  EXPECT_LE(ticks_, 6);  // one each would be eight
}

TEST_F(EventStreamTest, TurnsAwayWhoIsOneTooMany) {
  start({.most_listeners = 2, .interval = 20ms});
  auto first = listener();
  auto second = listener();
  RawClient third(server_->port());

  ASSERT_TRUE(third.send(k_get));

  EXPECT_THAT(third.read_answer(), StartsWith("HTTP/1.1 503 "));
}

TEST_F(EventStreamTest, HasAPlaceAgainOnceAListenerLeft) {
  start({.most_listeners = 1, .interval = 10ms});
  {
    auto gone = listener();
    ASSERT_TRUE(eventually([&] { return listeners() == 1; })) << "else 0 says nothing below";
  }
  ASSERT_TRUE(eventually([&] { return listeners() == 0; }));

  auto next = listener();
  EXPECT_THAT(next.read_until("event: tick"), HasSubstr("event: tick"));
}

TEST_F(EventStreamTest, DropsAListenerThatDoesNotRead) {
  start({.interval = 1ms, .most_unsent_bytes = 4096}, 100'000);
  RawClient client(server_->port(), 4096);
  ASSERT_TRUE(client.send(k_get));

  EXPECT_TRUE(eventually([&] { return registry_.total("hearth_event_listeners_dropped_total") == 1; }));
  EXPECT_TRUE(eventually([&] { return listeners() == 0; }));
}

TEST_F(EventStreamTest, TakesNoConnectionOfTheServers) {
  start({.interval = 20ms});
  auto first = listener();
  auto second = listener();

  EXPECT_TRUE(eventually([&] { return registry_.total("hearth_http_connections") == 0; }));
  EXPECT_EQ(registry_.total("hearth_http_requests_total"), 2U);
}

TEST_F(EventStreamTest, SaysALastWordWhenItCloses) {
  start({.interval = 1h});
  auto client = listener();
  client.read_until("data: 1\n\n");

  stream_->close();

  EXPECT_THAT(client.read_to_end(), EndsWith("event: tick\ndata: 2\n\n"));
  RawClient late(server_->port());
  ASSERT_TRUE(late.send(k_get));
  EXPECT_EQ(late.read_to_end(), "");
}

TEST_F(EventStreamTest, WantsGetWithoutABody) {
  start({.interval = 20ms});
  RawClient head(server_->port());
  RawClient with_body(server_->port());

  ASSERT_TRUE(head.send("HEAD /events HTTP/1.1\r\nHost: h\r\n\r\n"));
  ASSERT_TRUE(with_body.send("GET /events HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab"));

  EXPECT_THAT(head.read_answer(true), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(with_body.read_answer(), StartsWith("HTTP/1.1 400 "));
  EXPECT_EQ(listeners(), 0U);
}

}  // namespace
}  // namespace agent::net
