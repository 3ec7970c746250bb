// An agent in this process, on a port of its own, with everything in one folder.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "agent/app/agent.hpp"
#include "agent/io/json.hpp"
#include "agent/net/http_client.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::tests {

inline net::ClientResponse send(net::HttpClient client, const net::ClientRequest& request) {
  auto answer = client.send(request);
  EXPECT_THAT(answer, Succeeds()) << request.method << " " << request.target;
  return answer ? *std::move(answer) : net::ClientResponse{};
}

class AgentFixture : public testing::Test {
protected:
  app::Config config(const std::string& store = "store") const {
    app::Config config;
    config.store = folder_.path() / store;
    config.min_free_bytes = 0;
    config.backend = "disk://" + (folder_.path() / "backend").string();
    config.chain.own = {
        .repository = "owner/name", .scope = "refs/heads/main", .tag = "rust-sccache-linux-x86_64"};
    config.control = folder_.path() / "control";
    config.preload_deadline = std::chrono::seconds(1);
    config.drain_deadline = std::chrono::seconds(20);
    return config;
  }

  void start(app::Config config) {
    agent_.reset();
    control_ = config.control;
    auto started = app::Agent::start(std::move(config));
    ASSERT_THAT(started, Succeeds());
    agent_ = *std::move(started);
  }

  net::ClientResponse tcp(net::ClientRequest request) const {
    return send(*net::HttpClient::to_url(agent_->endpoint()), std::move(request));
  }
  net::ClientResponse get(const std::string& target) const { return tcp({.target = target}); }
  int put(const std::string& key, const std::string& bytes) const {
    return tcp({.method = "PUT", .target = "/sccache/" + key, .body = bytes}).status;
  }
  net::ClientResponse control(const std::string& method, const std::string& target) const {
    return send(*net::HttpClient::to_unix_socket(control_), {.method = method, .target = target});
  }
  io::Json status() const {
    return io::parse_json(get("/status").body, "/status").value_or(io::Json("not JSON"));
  }

  // Does not wait for a test that already failed.
  template <typename Condition>
  static bool eventually(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) {
        return false;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return true;
  }

  TempFolder folder_{memory_folder()};
  io::fs::path control_;
  std::unique_ptr<app::Agent> agent_;
};

}  // namespace agent::tests
