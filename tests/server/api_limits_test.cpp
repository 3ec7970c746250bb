// The limits of a workspace over the wire.
#include <gtest/gtest.h>

#include "tests/server/api_fixture.hpp"

namespace agent::server::tests {
namespace {

io::Json limits(io::JsonObject wanted) {
  return io::JsonObject{{"limits", std::move(wanted)}};
}

void make_workspace(RunningServer& server) {
  EXPECT_EQ(
      server
          .call("POST", "/v2/workspaces", io::JsonObject{{"workspace", io::JsonObject{{"slug", "acme/ci"}}}})
          .status,
      201);
}

TEST_F(Api, LimitsAreSetByTheAdministratorAndSeenByAll) {
  make_workspace(server_);
  const Ask reader{.token = server_.token({{"name", "r"}, {"access_level", "restore"}})};
  EXPECT_TRUE(server_.call("GET", "/limits", {}, reader).body["limits"]["quota_bytes"].is_null());

  const auto set = server_.call("PUT", "/limits", limits({{"quota_bytes", 1'000}, {"idle_days", 30}}));

  EXPECT_EQ(set.status, 200) << set.text;
  const auto seen = server_.call("GET", "/limits", {}, reader).body;
  EXPECT_EQ(seen["limits"]["quota_bytes"].count(), 1'000);
  EXPECT_EQ(seen["limits"]["idle_days"].count(), 30);
  EXPECT_EQ(server_.call("PUT", "/limits", limits({{"quota_bytes", nullptr}})).status, 200);
  const auto after = server_.call("GET", "/limits").body;
  EXPECT_TRUE(after["limits"]["quota_bytes"].is_null()) << "null takes it back";
  EXPECT_EQ(after["limits"]["idle_days"].count(), 30) << "what is not named stays";
}

TEST_F(Api, LimitsAreNotRaisedByThoseTheyLimit) {
  const Ask admin{.token = server_.token({{"name", "a"}, {"access_level", "admin"}})};

  expect_refusal(server_.call("PUT", "/limits", limits({{"quota_bytes", 0}}), admin), 403, "forbidden");
}

TEST_F(Api, AWorkspaceThatNobodyMadeHasNoLimits) {
  expect_refusal(server_.call("GET", "/limits"), 404, "not_found");
  expect_refusal(server_.call("PUT", "/limits", limits({{"quota_bytes", 1'000}})), 404, "not_found");
}

TEST_F(Api, LimitsThatAreNoneAreRefused) {
  make_workspace(server_);
  for (const auto* const text : {R"({})", R"({"limits":[]})", R"({"limits":{"quota_bytes":"5GiB"}})",
                                 R"({"limits":{"quota_bytes":-1}})", R"({"limits":{"idle_days":61}})",
                                 R"({"limits":{"idle_days":true}})"}) {
    expect_refusal(server_.raw("PUT", "/limits", text), 400, "invalid_request");
  }
  EXPECT_TRUE(server_.call("GET", "/limits").body["limits"]["quota_bytes"].is_null());
}

}  // namespace
}  // namespace agent::server::tests
