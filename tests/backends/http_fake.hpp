// A service that answers as a test says, request by request with their bodies. Thread-safe if the answers
// are.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "agent/io/fd.hpp"
#include "agent/net/http_server.hpp"

namespace agent::tests {

struct FakeRequest {
  net::Request head;
  std::string body;
};

class HttpFake final {
public:
  // No answer: the connection is closed instead.
  using Answer = std::function<std::optional<net::Response>(const FakeRequest& request)>;

  explicit HttpFake(Answer answer) : answer_(std::move(answer)) {
    auto started = net::HttpServer::start(
        {},
        [this](const net::Request& request, net::Responder& respond) -> net::Decision {
          if (request.content_length.value_or(1) > 0 &&
              (request.method == "PUT" || request.method == "POST")) {
            return std::make_unique<Body>(*this, request);
          }
          auto response = answer_({.head = request, .body = {}});
          if (!response) {
            const net::Responder dropped(std::move(respond));
            return net::Accepted{};
          }
          return *std::move(response);
        },
        registry_);
    EXPECT_TRUE(started.has_value()) << (started ? "" : started.error().message);
    if (started) {
      server_ = *std::move(started);
    }
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }

private:
  class Body final : public net::BodySink {
  public:
    Body(HttpFake& fake, net::Request head) : fake_(fake), request_{.head = std::move(head), .body = {}} {}
    Result<void> write(std::span<const std::byte> bytes) override {
      request_.body += io::text_of(bytes);
      return {};
    }
    void finish(net::Responder respond) override {
      if (auto response = fake_.answer_(request_)) {
        respond(*std::move(response));
      }
    }

  private:
    HttpFake& fake_;
    FakeRequest request_;
  };

  Answer answer_;
  metrics::Registry registry_;
  std::unique_ptr<net::HttpServer> server_;  // last: its threads use the rest
};

// Variables from a list; all others are empty.
inline std::function<std::string(const char* name)> variables_of(
    std::vector<std::pair<std::string, std::string>> values) {
  return [values = std::move(values)](const char* name) {
    for (const auto& [known, value] : values) {
      if (known == name) {
        return value;
      }
    }
    return std::string();
  };
}

}  // namespace agent::tests
