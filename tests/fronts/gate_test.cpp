#include "agent/fronts/gate.hpp"

#include <gtest/gtest.h>

#include <string>

namespace agent::fronts {
namespace {

net::Request request_to(std::string_view host, std::string_view path = "/status") {
  net::Request request{
      .method = "GET", .path = std::string(path), .query = {}, .headers = {}, .content_length = {}};
  if (!host.empty()) {
    request.headers.add("Host", host);
  }
  return request;
}

net::Request with_bearer(net::Request request, std::string_view authorization) {
  request.headers.add("Authorization", authorization);
  return request;
}

// The status of the refusal; 0 where the request passes.
int refusal(const Gate& gate, const net::Request& request) {
  const auto answer = gate.refuse(request);
  return answer ? answer->status : 0;
}

TEST(Gate, LetsLoopbackNamesPassAnOpenAgent) {
  const Gate gate({.token = Secret(), .hosts = {}});
  for (const auto* host : {"127.0.0.1:7420", "127.0.0.1", "127.1.2.3:80", "localhost:7420", "LocalHost",
                           "[::1]:7420", "[::1]"}) {
    EXPECT_EQ(refusal(gate, request_to(host)), 0) << host;
  }
}

// A page whose name was rebound to 127.0.0.1 sends its own name as Host.
TEST(Gate, RefusesStrangeHosts) {
  const Gate gate({.token = Secret(), .hosts = {}});
  for (const auto* host :
       {"evil.example", "evil.example:7420", "127.evil.example", "127.0.0.1.evil.example:7420",
        "localhost.evil.example", "127.0.0", "127.0.0.1.1", "127.0.0.x", "127...", "[::1", "[::2]:80",
        "0.0.0.0", "192.168.0.7:7420", "", ":7420", "127.0.0.1 evil.example"}) {
    EXPECT_EQ(refusal(gate, request_to(host)), 403) << host;
  }
}

TEST(Gate, RefusesStrangeHostsEvenForHealthAndWithTheToken) {
  const Gate gate({.token = Secret("secret"), .hosts = {}});
  EXPECT_EQ(refusal(gate, request_to("evil.example", "/healthz")), 403);
  EXPECT_EQ(refusal(gate, with_bearer(request_to("evil.example"), "Bearer secret")), 403);
}

TEST(Gate, LetsTheNamesPassThatItWasGiven) {
  const Gate gate({.token = Secret(), .hosts = {"hearth-agent", "172.18.0.3"}});
  EXPECT_EQ(refusal(gate, request_to("hearth-agent:7420")), 0);
  EXPECT_EQ(refusal(gate, request_to("Hearth-Agent")), 0);
  EXPECT_EQ(refusal(gate, request_to("172.18.0.3:7420")), 0);
  EXPECT_EQ(refusal(gate, request_to("hearth-agent.evil.example")), 403);
}

TEST(Gate, WantsTheBearer) {
  const Gate gate({.token = Secret("secret"), .hosts = {}});
  EXPECT_EQ(refusal(gate, request_to("localhost")), 401);
  for (const auto* wrong : {"", "Bearer", "Bearer ", "Bearer secre", "Bearer secret2", "Bearer  secret",
                            "Basic secret", "secret", "Bearersecret", "Token secret"}) {
    EXPECT_EQ(refusal(gate, with_bearer(request_to("localhost"), wrong)), 401) << wrong;
  }
  EXPECT_EQ(refusal(gate, with_bearer(request_to("localhost"), "Bearer secret")), 0);
  EXPECT_EQ(refusal(gate, with_bearer(request_to("localhost"), "bearer secret")), 0);
}

TEST(Gate, SaysHowToBeLetIn) {
  const Gate gate({.token = Secret("secret"), .hosts = {}});
  EXPECT_EQ(gate.refuse(request_to("localhost"))->headers.get("WWW-Authenticate"), "Bearer");
}

TEST(Gate, LeavesOnlyHealthAndTheEmptyPageOpen) {
  const Gate gate({.token = Secret("secret"), .hosts = {}});
  EXPECT_EQ(refusal(gate, request_to("localhost", "/healthz")), 0);
  EXPECT_EQ(refusal(gate, request_to("localhost", "/")), 0);
  for (const auto* path : {"/events", "/readyz", "/status", "/metrics", "/healthz/", "/healthz2",
                           "/sccache/healthz", "/drain"}) {
    EXPECT_EQ(refusal(gate, request_to("localhost", path)), 401) << path;
  }
}

TEST(Gate, TrustsTheUnixSocketsPermissions) {
  const Gate gate({.token = Secret("secret"), .hosts = {}});
  auto request = request_to("", "/drain");
  request.over_unix_socket = true;
  EXPECT_EQ(refusal(gate, request), 0);
}

}  // namespace
}  // namespace agent::fronts
