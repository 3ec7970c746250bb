// A Docker daemon for tests: a few containers, answering over a Unix socket in the words of dockerd 20.10.24
// (messages and statuses recorded, tests/action/recorded). It starts nothing.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/core/guarded.hpp"
#include "agent/io/file.hpp"
#include "agent/io/json.hpp"
#include "agent/metrics/registry.hpp"
#include "agent/net/http_server.hpp"

namespace agent::tests {

class FakeDocker final {
public:
  explicit FakeDocker(const io::fs::path& socket) {
    auto started = net::HttpServer::start(
        {.address = "", .unix_socket = socket},
        [this](const net::Request& request, net::Responder& respond) -> net::Decision {
          if (request.content_length.value_or(0) == 0) {
            return answer(request, "");
          }
          static_cast<void>(respond);
          return std::make_unique<Body>(
              [this, request](const std::string& body) { return answer(request, body); });
        },
        registry_);
    server_ = started ? *std::move(started) : nullptr;
  }

  bool serves() const { return server_ != nullptr; }

  // The answer to a method and a path below the version, "GET /containers/x/json".
  void when(const std::string& call, int status, std::string body) {
    answers_.with([&](auto& answers) { answers[call] = {status, std::move(body)}; });
  }

  // Runs before the answer to such a call.
  void meanwhile(const std::string& call, std::function<void()> action) {
    actions_.with([&](auto& actions) { actions[call] = std::move(action); });
  }

  // Every call so far, "POST /v1.41/containers/x/stop?t=5", and its body behind a blank.
  std::vector<std::string> calls() const {
    return calls_.with([](const auto& calls) { return calls; });
  }

private:
  class Body final : public net::BodySink {
  public:
    explicit Body(std::function<net::Response(const std::string&)> done) : done_(std::move(done)) {}
    Result<void> write(std::span<const std::byte> bytes) override {
      text_ += io::text_of(bytes);
      return {};
    }
    void finish(net::Responder respond) override { respond(done_(text_)); }

  private:
    std::function<net::Response(const std::string&)> done_;
    std::string text_;
  };

  net::Response answer(const net::Request& request, const std::string& body) {
    const auto target = request.path + (request.query.empty() ? "" : "?" + request.query);
    calls_.with([&](auto& calls) {
      calls.push_back(request.method + " " + target + (body.empty() ? "" : " " + body));
    });
    if (request.path == "/_ping") {
      auto pong = net::text_response(200, "OK");
      pong.headers.set("Api-Version", "1.41");
      return pong;
    }
    const auto below =
        request.path.substr(std::min<std::size_t>(request.path.find('/', 1), request.path.size()));
    const auto action = actions_.with([&](const auto& actions) {
      const auto known = actions.find(request.method + " " + below);
      return known != actions.end() ? known->second : std::function<void()>();
    });
    if (action) {
      action();
    }
    return answers_.with([&](const auto& answers) {
      const auto known = answers.find(request.method + " " + below);
      if (known == answers.end()) {
        return net::text_response(404, R"({"message":"No such container: x"})", "application/json");
      }
      return net::text_response(known->second.first, known->second.second, "application/json");
    });
  }

  metrics::Registry registry_;
  Guarded<std::map<std::string, std::pair<int, std::string>>> answers_;
  Guarded<std::map<std::string, std::function<void()>>> actions_;
  Guarded<std::vector<std::string>> calls_;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace agent::tests
