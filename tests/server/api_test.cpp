// The wire contract of requests, sessions and tokens, a test for each row of docs/protocols/boringcache.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/core/text.hpp"
#include "tests/server/api_fixture.hpp"

namespace agent::server::tests {
namespace {

using testing::HasSubstr;

TEST_F(Api, SaysWhatItCanDoToAnybody) {
  const auto reply = server_.call("GET", "/v2/capabilities", {}, {.token = ""});

  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body["features"]["blob_stage_v2"].boolean(), true);
  EXPECT_EQ(reply.body["features"]["tag_publish_v2"].boolean(), true);
  EXPECT_EQ(reply.body["features"].text("cas_publish_bootstrap_if_match"), "0");
}

TEST_F(Api, SaysWhoAsks) {
  const auto token = server_.token({{"name", "ci"}, {"access_level", "save"}, {"expires_in_seconds", 3600}});

  const auto reply = server_.call("GET", "/v2/session", {}, {.token = token});

  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body["valid"].boolean(), true);
  EXPECT_EQ(reply.body["token"].text("access_level"), "save");
  EXPECT_EQ(reply.body["workspace"].text("slug"), "acme/ci");
  EXPECT_FALSE(reply.body["token"].text("expires_at").empty());
}

TEST_F(Api, RefusesThoseWithoutAToken) {
  expect_refusal(server_.call("GET", "/tags", {}, {.token = ""}), 401, "unauthorized");
  expect_refusal(server_.call("GET", "/tags", {}, {.token = "hrt_t_0_0"}), 401, "unauthorized");
}

TEST_F(Api, RefusesWhatATokenMayNotDo) {
  const Ask reader{.token = server_.token({{"name", "r"}, {"access_level", "restore"}})};
  const Ask saver{.token = server_.token({{"name", "s"}, {"access_level", "save"}})};

  expect_refusal(server_.call("POST", "/caches", RunningServer::creation("t", "x"), reader), 403,
                 "forbidden");
  expect_refusal(server_.call("POST", "/caches/blobs/stage", RunningServer::blobs("x"), reader), 403,
                 "forbidden");
  expect_refusal(server_.call("GET", "/tokens", {}, saver), 403, "forbidden");
  expect_refusal(server_.call("GET", "/v2/workspaces/acme/other/tags", {}, reader), 404, "not_found");
}

TEST_F(Api, KnowsPathsAndMethods) {
  expect_refusal(server_.call("GET", "/nothing"), 404, "not_found");
  expect_refusal(server_.call("GET", "/v2/workspaces/acme"), 404, "not_found");
  expect_refusal(server_.call("PATCH", "/caches"), 405, "method_not_allowed");
}

TEST_F(Api, RefusesBodiesThatAreNoJson) {
  expect_refusal(server_.raw("POST", "/caches", "{\"cache\":"), 400, "malformed_json");
  expect_refusal(server_.raw("POST", "/caches", "[1,2]"), 400, "invalid_request");
  expect_refusal(server_.raw("POST", "/caches", ""), 400, "invalid_request");
  expect_refusal(server_.raw("POST", "/caches", std::string(200, '[')), 400, "malformed_json");
}

TEST_F(Api, RefusesMembersOfTheWrongType) {
  expect_refusal(server_.raw("POST", "/caches", R"({"cache":[]})"), 400, "invalid_request");
  expect_refusal(server_.raw("POST", "/caches", R"({"cache":{"tag":5}})"), 400, "invalid_request");
  expect_refusal(server_.raw("POST", "/caches/blobs/stage", R"({"blobs":{}})"), 400, "invalid_request");
  expect_refusal(server_.raw("POST", "/caches/blobs/stage", R"({"blobs":[{"digest":"sha256:00"}]})"), 400,
                 "invalid_request");
  expect_refusal(
      server_.raw("POST", "/caches/blobs/stage",
                  fmt::format(R"({{"blobs":[{{"digest":"{}","size_bytes":-1}}]}})", digest_of("x"))),
      400, "invalid_request");
  expect_refusal(server_.raw("DELETE", "/caches", R"({"entries":"t"})"), 400, "invalid_request");
}

TEST_F(Api, RefusesBodiesThatAreTooLarge) {
  ServiceOptions small;
  small.max_json_bytes = 1000;
  RunningServer server(std::move(small));

  expect_refusal(server.raw("POST", "/caches", std::string(1001, ' ')), 413, "too_large");
}

TEST_F(Api, RefusesTagsThatAreNone) {
  for (const auto* const tag : {"", ".rust", "rust-", "a..b", "a/b", "a b", "ü"}) {
    auto wanted = RunningServer::creation(tag, "x");
    if (std::string_view(tag).empty()) {
      auto cache = *wanted["cache"].object();
      cache.erase("storage_mode");
      wanted = io::JsonObject{{"cache", cache}};
    }
    expect_refusal(server_.call("POST", "/caches", wanted), 400, "invalid_request");
  }
  expect_refusal(server_.call("POST", "/caches", RunningServer::creation(std::string(513, 'a'), "x")), 400,
                 "invalid_request");
}

TEST_F(Api, ManagesTokens) {
  const auto created = server_.call(
      "POST", "/tokens", io::JsonObject{{"token", io::JsonObject{{"name", "ci"}, {"access_level", "save"}}}});
  ASSERT_EQ(created.status, 201) << created.text;
  const auto id = created.body["token"].text("id");
  const auto text = created.body.text("value");

  const auto listed = server_.call("GET", "/tokens");
  ASSERT_EQ(listed.body["tokens"].array()->size(), 1);
  EXPECT_THAT(listed.text, testing::Not(HasSubstr(text.substr(text.rfind('_')))));
  EXPECT_EQ(server_.call("GET", "/tags", {}, {.token = text}).status, 200);

  const auto rotated = server_.call("POST", fmt::format("/tokens/{}/rotate", id), io::JsonObject());
  EXPECT_EQ(server_.call("GET", "/tags", {}, {.token = text}).status, 401);
  EXPECT_EQ(server_.call("GET", "/tags", {}, {.token = rotated.body.text("value")}).status, 200);

  EXPECT_EQ(server_.call("POST", fmt::format("/tokens/{}/revoke", id), io::JsonObject()).status, 200);
  EXPECT_EQ(server_.call("GET", "/tags", {}, {.token = rotated.body.text("value")}).status, 401);
  expect_refusal(server_.call("POST", "/tokens/t_000000000000000000000000/revoke", io::JsonObject()), 404,
                 "not_found");
}

TEST_F(Api, MakesAPairOfTokensForCi) {
  const auto pair = server_.call("POST", "/tokens/ci-pair", io::JsonObject());

  EXPECT_EQ(pair.status, 201) << pair.text;
  EXPECT_EQ(pair.body["restore"]["token"].text("access_level"), "restore");
  EXPECT_EQ(pair.body["save"]["token"].text("access_level"), "save");
  EXPECT_EQ(server_.call("GET", "/tags", {}, {.token = pair.body["save"].text("value")}).status, 200);
  EXPECT_EQ(pair.body["workspace"].text("slug"), "acme/ci");
}

TEST_F(Api, APairOfTokensIsAsLimitedAsItWasAskedFor) {
  const io::Json wanted(
      io::JsonObject{{"token_pair", io::JsonObject{{"name_prefix", "pr"},
                                                   {"save_tag_prefixes", io::JsonArray{"pr-1-"}},
                                                   {"expiration_preset", "7_days"}}}});

  const auto pair = server_.call("POST", "/tokens/ci-pair", wanted);

  ASSERT_EQ(pair.status, 201) << pair.text;
  EXPECT_EQ(pair.body["save"]["token"].text("name"), "pr-save");
  EXPECT_FALSE(pair.body["save"]["token"].text("expires_at").empty());
  const auto entry = server_.entry("pr-1-x", "one");
  const Ask ask{.token = pair.body["save"].text("value"), .if_match = "0"};
  expect_refusal(server_.publish("main", entry, ask), 403, "tag_not_writable");
  EXPECT_EQ(server_.publish("pr-1-x", entry, ask).status, 200);
  expect_refusal(server_.call("POST", "/tokens/ci-pair",
                              io::JsonObject{{"token_pair", io::JsonObject{{"custom_expires_on", "soon"}}}}),
                 400, "invalid_request");
}

TEST_F(Api, ListsTokensWithWhetherTheyAreActive) {
  const auto made = server_.call(
      "POST", "/tokens", io::JsonObject{{"token", io::JsonObject{{"name", "x"}, {"access_level", "save"}}}});
  const auto id = made.body["token"].text("id");
  EXPECT_EQ(made.body["token"]["active"].boolean(), true);
  ASSERT_EQ(server_.call("POST", fmt::format("/tokens/{}/revoke", id), io::JsonObject()).status, 200);

  const auto listed = server_.call("GET", "/tokens");

  EXPECT_EQ(listed.body["workspace"].text("slug"), "acme/ci");
  EXPECT_EQ(listed.body["pagination"]["total"].count(), 1);
  EXPECT_EQ(listed.body["tokens"].array()->front().text("state"), "revoked");
  expect_refusal(server_.call("POST", fmt::format("/tokens/{}/rotate", id),
                              io::JsonObject{{"token", io::JsonObject{{"expiration_preset", "7_days"}}}}),
                 400, "invalid_request");
}

TEST_F(Api, RefusesTokensThatWouldMeanMoreThanTheySay) {
  const auto ask = [&](const io::JsonObject& token) {
    return server_.call("POST", "/tokens", io::JsonObject{{"token", token}});
  };

  expect_refusal(ask({{"name", "x"}, {"access_level", "root"}}), 400, "invalid_request");
  expect_refusal(ask({{"name", "x"}, {"access_level", "save"}, {"write_tag_prefixes", io::JsonArray{""}}}),
                 400, "invalid_request");
  expect_refusal(ask({{"name", "x"}, {"access_level", "save"}, {"custom_expires_on", "2027-01-01"}}), 400,
                 "invalid_request");
  expect_refusal(ask({{"name", "x"}, {"access_level", "save"}, {"expires_in_seconds", 0}}), 400,
                 "invalid_request");
}

TEST_F(Api, MakesWorkspacesForTheAdministratorOnly) {
  const io::Json wanted(io::JsonObject{{"workspace", io::JsonObject{{"slug", "acme/new"}}}});

  EXPECT_EQ(server_.call("POST", "/v2/workspaces", wanted).status, 201);
  EXPECT_EQ(server_.call("POST", "/v2/workspaces", wanted).status, 200);
  const auto listed = server_.call("GET", "/v2/workspaces");
  ASSERT_TRUE(listed.body.is_array() && listed.body.array()->size() == 1) << listed.text;
  EXPECT_EQ(listed.body.array()->front().text("slug"), "acme/new");
  const Ask admin{.token = server_.token({{"name", "a"}, {"access_level", "admin"}})};
  expect_refusal(server_.call("POST", "/v2/workspaces", wanted, admin), 403, "forbidden");
}

TEST_F(Api, ATokenThatAsksTooOftenIsToldWhenToComeAgain) {
  ServiceOptions slow;
  slow.requests_per_second = 1;
  RunningServer server(std::move(slow));
  Reply reply;
  for (int i = 0; i < 4; ++i) {
    reply = server.call("GET", "/v2/session");
  }

  expect_refusal(reply, 429, "rate_limited");
  EXPECT_EQ(reply.headers.get("Retry-After"), "1");
  EXPECT_EQ(server.call("GET", "/v2/capabilities", {}, {.token = ""}).status, 200);
}

TEST_F(Api, ChangesAndRefusalsAreWrittenDownWithoutSecrets) {
  const agent::tests::TempFolder folder;
  ServiceOptions audited;
  audited.audit_file = folder.path() / "audit.log";
  RunningServer server(std::move(audited));
  const auto token = server.token({{"name", "nightly"}, {"access_level", "save"}});
  const Ask saver{.token = token, .if_match = "0"};
  ASSERT_EQ(server.publish("rust", server.entry("rust", "x", saver), saver).status, 200);
  server.call("GET", "/tags", {}, saver);
  server.call("GET", "/tokens", {}, saver);
  server.call("DELETE", "/caches", io::JsonObject{{"entries", io::JsonArray{"rust"}}}, saver);
  server.call("GET", "/tags", {}, {.token = "wrong"});

  const auto log = io::read_file(folder.path() / "audit.log", 100'000);

  ASSERT_THAT(log, agent::tests::Succeeds());
  EXPECT_THAT(*log, testing::Not(HasSubstr(token.substr(token.rfind('_') + 1))));
  EXPECT_THAT(*log, testing::Not(HasSubstr(std::string(k_root))));
  std::vector<std::string> events;
  for (const auto line : split(trimmed(*log), '\n')) {
    const auto event = io::parse_json(line, "line");
    ASSERT_THAT(event, agent::tests::Succeeds());
    const auto who = event->text("who");
    events.push_back(fmt::format("{} {} {} {}", who.substr(who.rfind(' ') + 1), event->text("method"),
                                 event->text("path").substr(k_workspace.size()),
                                 *(*event)["status"].integer()) +
                     (event->text("tags").empty() ? "" : " " + event->text("tags")));
  }
  EXPECT_THAT(events, testing::ElementsAre(
                          "administrator POST /tokens 201", "nightly PUT /caches/tags/rust/publish 200",
                          "nightly GET /tokens 403", "nightly DELETE /caches 200 rust", " GET /tags 401"));
}

TEST_F(Api, KeepsTheSessionsThatClientsReport) {
  const io::Json report(
      io::JsonObject{{"rollups", io::JsonArray{io::JsonObject{{"tool", "sccache"}}}},
                     {"sessions", io::JsonArray{io::JsonObject{{"session_id", "s1"}, {"hit_count", 7}}}}});

  const auto accepted = server_.call("POST", "/cache-rollups", report);
  const auto listed = server_.call("GET", "/sessions?limit=10");

  EXPECT_EQ(accepted.status, 200);
  EXPECT_EQ(accepted.body["accepted"].count(), 2);
  ASSERT_EQ(listed.body["sessions"].array()->size(), 1) << listed.text;
  EXPECT_EQ(listed.body["sessions"].array()->front()["hit_count"].count(), 7);
  EXPECT_EQ(server_.call("POST", "/cache-rollups", io::JsonObject()).status, 200);
}

TEST_F(Api, RefusesReportsThatAreNone) {
  const auto report = [&](const char* key, io::Json value) {
    return server_.call("POST", "/cache-rollups", io::JsonObject{{key, std::move(value)}});
  };

  expect_refusal(report("sessions", "s"), 400, "invalid_request");
  expect_refusal(report("sessions", io::JsonArray(81, io::JsonObject())), 400, "invalid_request");
  expect_refusal(report("rollups", io::JsonArray(501, io::JsonObject())), 400, "invalid_request");
  expect_refusal(report("rollups", std::string(600'000, 'x')), 413, "too_large");
}

}  // namespace
}  // namespace agent::server::tests
