#include "agent/app/agent.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <future>
#include <stop_token>
#include <string>
#include <utility>

#include "agent/io/file.hpp"
#include "tests/app/running_agent.hpp"
#include "tests/backends/http_fake.hpp"

namespace agent::app {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using tests::FailsWith;
using tests::Succeeds;

class AgentTest : public tests::AgentFixture {};

TEST_F(AgentTest, ServesItsPagesOverTcp) {
  start(config());

  EXPECT_THAT(agent_->endpoint(), StartsWith("http://127.0.0.1:"));
  EXPECT_EQ(get("/healthz").body, "ok\n");
  EXPECT_EQ(get("/readyz").status, 200);
  const auto page = get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.headers.get("Content-Type"), "text/html; charset=utf-8");
  EXPECT_THAT(page.headers.get("Content-Security-Policy"), testing::StartsWith("default-src 'none'; "));
  EXPECT_THAT(get("/metrics").body, HasSubstr("# TYPE hearth_lookups_hit_total counter\n"));
  EXPECT_EQ(get("/nothing").status, 404);
  EXPECT_EQ(get("/sccache").status, 404);
  EXPECT_EQ(tcp({.method = "DELETE", .target = "/status"}).status, 405);
  EXPECT_EQ(tcp({.method = "HEAD", .target = "/status"}).status, 200);
}

TEST_F(AgentTest, StoresAndAnswersObjects) {
  start(config());
  EXPECT_EQ(get("/sccache/a/b/c/key").status, 404);
  EXPECT_EQ(put("a/b/c/key", "bytes"), 201);
  EXPECT_EQ(get("/sccache/a/b/c/key").body, "bytes");
}

// Scripts, the summary and the doctor read these: see "Names that others rely on" in docs/.
TEST_F(AgentTest, AnswersStatusWithTheNamesOthersRelyOn) {
  start(config());
  put("key", "bytes");
  get("/sccache/key");
  get("/sccache/absent");

  const auto json = status();

  EXPECT_EQ(json["schema"].integer(), 1);
  EXPECT_EQ(json.text("phase"), "ready");
  EXPECT_EQ(json.text("tag"), "rust-sccache-linux-x86_64");
  EXPECT_EQ(json.text("scope"), "refs/heads/main");
  EXPECT_EQ(json.text("mode"), "read-write");
  EXPECT_THAT(json.text("backend"), AllOf(StartsWith("disk://"), HasSubstr("backend")));
  EXPECT_EQ(json["stores"].count(), 1U);
  EXPECT_EQ(json["bytes_written"].count(), 5U);
  EXPECT_EQ(json["bytes_read"].count(), 5U);
  EXPECT_EQ(json["pending"].count(), 1U);
  EXPECT_EQ(json["published"].count(), 0U);
  EXPECT_TRUE(json["latency_ms"]["p95"].number().has_value());
  EXPECT_TRUE(json["preload_seconds"].number().has_value());
  for (const auto* name :
       {"generation", "hit_rate", "languages", "hits", "misses", "errors", "refused", "non_cacheable",
        "http_429", "conflicts", "backend_calls", "sccache_mode", "retries", "saved_seconds_estimate"}) {
    EXPECT_TRUE(json.object()->contains(name)) << name;
  }
  EXPECT_TRUE(json["hit_rate"].is_null());  // no sccache was asked: not measured is not 0
}

TEST_F(AgentTest, WritesItsReadyFileOnceItServes) {
  auto options = config();
  options.ready_file = folder_.path() / "ready.json";
  start(options);

  const auto ready = io::parse_json(io::read_file(options.ready_file, 4096).value_or(""), "ready file");

  ASSERT_THAT(ready, Succeeds());
  EXPECT_EQ(ready->text("endpoint"), agent_->endpoint());
  EXPECT_EQ(ready->text("control"), control_.string());
  EXPECT_EQ((*ready)["pid"].integer(), ::getpid());
}

TEST_F(AgentTest, LetsOnlyTheBearerIn) {
  auto options = config();
  options.token = Secret("secret");
  start(options);
  net::ClientRequest request{.target = "/status"};
  EXPECT_EQ(tcp(request).status, 401);
  EXPECT_EQ(tcp({.method = "PUT", .target = "/sccache/key", .body = "x"}).status, 401);
  EXPECT_EQ(get("/healthz").status, 200);

  request.headers.add("Authorization", "Bearer secret");
  EXPECT_EQ(tcp(request).status, 200);
  EXPECT_THAT(tcp(request).body, Not(HasSubstr("secret")));
  EXPECT_EQ(control("GET", "/status").status, 200);
}

TEST_F(AgentTest, AnswersOnItsOwnAddressAndOnTheNamesItWasGiven) {
  auto options = config();
  options.address = "0.0.0.0";
  options.hosts = {"hearth-agent"};
  start(options);
  const auto port = agent_->endpoint().substr(agent_->endpoint().rfind(':'));
  auto client = *net::HttpClient::to_url("http://127.0.0.1" + port);
  for (const auto& [host, status] :
       {std::pair("hearth-agent", 200), std::pair("0.0.0.0", 200), std::pair("evil.example", 403)}) {
    net::ClientRequest request{.target = "/healthz"};
    request.headers.set("Host", host + port);
    EXPECT_EQ(client.send(request)->status, status) << host;
  }
}

TEST_F(AgentTest, TakesControlOnlyOverTheUnixSocket) {
  start(config());
  EXPECT_EQ(tcp({.method = "POST", .target = "/drain"}).status, 403);
  EXPECT_EQ(tcp({.method = "POST", .target = "/flush"}).status, 403);
  EXPECT_EQ(control("GET", "/drain").status, 405);
  EXPECT_EQ(control("POST", "/flush?deadline=soon").status, 400);
  EXPECT_EQ(control("POST", "/flush?deadline=10s").status, 200);
}

TEST_F(AgentTest, FlushesOverTheUnixSocketAndGoesOn) {
  start(config());
  put("key", "bytes");

  const auto flushed = io::parse_json(control("POST", "/flush?deadline=10s").body, "flush");

  EXPECT_EQ((*flushed)["published"].count(), 1U);
  EXPECT_EQ((*flushed)["pending"].count(), 0U);
  EXPECT_EQ(put("another", "bytes"), 201);
  EXPECT_EQ(status().text("phase"), "ready");
}

TEST_F(AgentTest, WarmsUpFromWhatAnEarlierAgentPublished) {
  start(config("first"));
  put("key", "bytes");
  EXPECT_EQ(agent_->drain(10s).published, 1U);

  start(config("second"));

  EXPECT_EQ(status()["generation"].count(), 1U);
  EXPECT_EQ(get("/sccache/key").body, "bytes");
}

TEST_F(AgentTest, AdoptsWhatAnAgentWithoutADrainLeftBehind) {
  start(config());
  put("key", "bytes");
  agent_.reset();

  start(config());
  EXPECT_EQ(status()["pending"].count(), 1U);
  EXPECT_EQ(agent_->drain(10s).published, 1U);

  start(config("fresh"));
  EXPECT_EQ(get("/sccache/key").body, "bytes");
}

TEST_F(AgentTest, PublishesNothingInReadOnlyMode) {
  auto options = config();
  options.mode = publish::Mode::read_only;
  start(options);

  EXPECT_EQ(put("key", "bytes"), 201);
  EXPECT_EQ(get("/sccache/key").body, "bytes");
  const auto figures = agent_->drain(10s);

  EXPECT_EQ(figures.published, 0U);
  EXPECT_EQ(figures.refused.at("read-only"), 1U);
  EXPECT_EQ(status().text("mode"), "read-only");
  start(config("fresh"));
  EXPECT_EQ(get("/sccache/key").status, 404);
}

TEST_F(AgentTest, WorksWithoutABackend) {
  auto options = config();
  options.backend = "none";
  start(options);

  EXPECT_EQ(put("key", "bytes"), 201);
  EXPECT_EQ(get("/sccache/key").body, "bytes");
  EXPECT_EQ(status().text("backend"), "none");
  EXPECT_TRUE(status()["generation"].is_null());
  const auto figures = agent_->drain(10s);
  EXPECT_EQ(figures.published, 0U);
}

TEST_F(AgentTest, MakesANoteOfABackendThatCannotBeUsed) {
  for (const auto* backend : {"disk:///no/such/parent/folder", "carrier-pigeon://roof", "nonsense"}) {
    auto options = config();
    options.backend = backend;
    start(options);

    EXPECT_EQ(put("key", "bytes"), 201);
    EXPECT_EQ(get("/sccache/key").body, "bytes");
    EXPECT_EQ(get("/readyz").status, 200);
    const auto figures = agent_->figures();
    ASSERT_EQ(figures.notes.size(), 1U) << backend;
    EXPECT_THAT(figures.notes.front(), AllOf(HasSubstr(backend), HasSubstr("cannot be used")));
  }
}

TEST_F(AgentTest, MakesANoteOfATagThatCannotBeRead) {
  start(config("first"));
  put("key", "bytes");
  ASSERT_EQ(agent_->drain(10s).published, 1U);
  agent_.reset();
  for (const auto& entry : io::fs::recursive_directory_iterator(folder_.path() / "backend")) {
    if (entry.is_regular_file() && !entry.path().string().contains("/packs/")) {
      ASSERT_THAT(io::write_file(entry.path(), "spoilt"), Succeeds());
    }
  }

  start(config("second"));

  EXPECT_EQ(get("/sccache/key").status, 404);
  EXPECT_EQ(put("other", "bytes"), 201);
  EXPECT_THAT(agent_->figures().notes, testing::Contains(HasSubstr("the tag could not be read")));
}

// The storage answers once the test lets it: that a tag is being read is seen, and not taken for misses.
TEST_F(AgentTest, TellsWhoeverWaitsThatItIsWarmingUp) {
  std::promise<void> go;
  tests::HttpFake slow([held = go.get_future().share()](const tests::FakeRequest&) {
    held.wait();
    return net::text_response(404, "{}");
  });
  auto options = config();
  options.backend = "boringcache://" + slow.url().substr(std::string_view("http://").size()) + "/own/name";
  options.variables = tests::variables_of({{"BORINGCACHE_SAVE_TOKEN", "a-token"}});
  const auto ask = [&](std::string method, std::string target) {
    auto client = net::HttpClient::to_unix_socket(options.control);
    auto answer = client->send({.method = std::move(method), .target = std::move(target)});
    return answer ? *std::move(answer) : net::ClientResponse{};  // it may not listen yet
  };
  auto warmed = std::async(std::launch::async, [&] { start(options); });
  ASSERT_TRUE(eventually([&] { return ask("GET", "/readyz").body == "warming\n"; }));

  const auto waiting = ask("GET", "/readyz");
  const auto lookup = ask("GET", "/sccache/key");
  const auto phase = io::parse_json(ask("GET", "/status").body, "/status").value_or(io::Json());
  auto drained = std::async(std::launch::async, [&] { return ask("POST", "/drain?deadline=10s"); });
  go.set_value();
  warmed.get();

  EXPECT_EQ(waiting.status, 503);
  EXPECT_EQ(phase.text("phase"), "warming");
  EXPECT_EQ(lookup.status, 503);
  EXPECT_EQ(lookup.headers.get("Retry-After"), "1");
  EXPECT_EQ(get("/sccache/key").status, 404);
  EXPECT_EQ(io::parse_json(drained.get().body, "drain").value_or(io::Json()).text("phase"), "draining");
}

TEST_F(AgentTest, DrainsOverTheUnixSocketAndEnds) {
  start(config());
  put("key", "bytes");
  auto reason = std::async(std::launch::async, [&] {
    auto words = agent_->wait({});
    agent_->drain(10s);
    agent_.reset();  // as main does
    return words;
  });

  const auto answer = control("POST", "/drain?deadline=10s");

  EXPECT_THAT(reason.get(), HasSubstr("drained"));
  const auto figures = io::parse_json(answer.body, "drain");
  ASSERT_THAT(figures, Succeeds());
  EXPECT_EQ((*figures)["published"].count(), 1U);
  EXPECT_EQ((*figures)["pending"].count(), 0U);
  EXPECT_EQ(figures->text("phase"), "draining");
}

TEST_F(AgentTest, AnswersASecondDrainWithTheSameFigures) {
  start(config());
  put("key", "bytes");

  const auto first = agent_->drain(10s);
  const auto second = agent_->drain(10s);

  EXPECT_EQ(first.published, 1U);
  EXPECT_EQ(report::to_json(second), report::to_json(first));
  EXPECT_EQ(get("/readyz").status, 200);  // sccache still asks while it ends
}

TEST_F(AgentTest, EndsWhenItsSentinelVanishes) {
  auto options = config();
  options.sentinel = folder_.path() / "sentinel";
  ASSERT_THAT(io::write_file(options.sentinel, ""), Succeeds());
  start(options);
  auto reason = std::async(std::launch::async, [&] { return agent_->wait({}); });
  EXPECT_EQ(reason.wait_for(700ms), std::future_status::timeout);

  io::fs::remove(options.sentinel);

  ASSERT_EQ(reason.wait_for(20s), std::future_status::ready);
  EXPECT_THAT(reason.get(), HasSubstr("the job is over"));
}

TEST_F(AgentTest, EndsWhenNothingSpeaksToIt) {
  auto options = config();
  options.idle_limit = 300ms;
  start(options);

  EXPECT_THAT(agent_->wait({}), HasSubstr("nothing spoke to it for 300 ms"));
}

TEST_F(AgentTest, EndsWhenAskedToStop) {
  start(config());
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(agent_->wait(source.get_token()), "stopped");
}

TEST_F(AgentTest, LeavesARecordForAPostStepThatFindsNoAgent) {
  auto options = config();
  options.record = folder_.path() / "record.json";
  start(options);
  put("key", "bytes");
  agent_->drain(10s);
  agent_.reset();

  const auto record = io::parse_json(io::read_file(options.record, 1U << 20U).value_or(""), "record");
  ASSERT_THAT(record, Succeeds());
  EXPECT_EQ((*record)["published"].count(), 1U);
  EXPECT_THAT(report::from_json(*record), Succeeds());
}

TEST_F(AgentTest, OwnsItsStoreAlone) {
  start(config());
  auto second = config();
  second.control = folder_.path() / "control2";
  EXPECT_THAT(Agent::start(second), FailsWith(Errc::conflict));
}

TEST_F(AgentTest, SaysWhenItsPortIsTaken) {
  start(config());
  auto second = config("second");
  second.control.clear();
  second.port =
      static_cast<std::uint16_t>(std::stoi(agent_->endpoint().substr(agent_->endpoint().rfind(':') + 1)));
  EXPECT_THAT(Agent::start(second), FailsWith(Errc::conflict));
}

TEST_F(AgentTest, MergesWhatTwoAgentsPublishToOneTag) {
  start(config("one"));
  auto options = config("two");
  options.control = folder_.path() / "control2";
  auto second = Agent::start(options);
  ASSERT_THAT(second, Succeeds());
  auto other = *net::HttpClient::to_url((*second)->endpoint());
  put("key-one", "bytes of one");
  ASSERT_EQ(other.send({.method = "PUT", .target = "/sccache/key-two", .body = "bytes of two"})->status, 201);

  auto draining = std::async(std::launch::async, [&] { return (*second)->drain(10s); });
  EXPECT_EQ(agent_->drain(10s).published, 1U);
  EXPECT_EQ(draining.get().published, 1U);

  second->reset();
  start(config("fresh"));
  EXPECT_EQ(get("/sccache/key-one").body, "bytes of one");
  EXPECT_EQ(get("/sccache/key-two").body, "bytes of two");
}

}  // namespace
}  // namespace agent::app
