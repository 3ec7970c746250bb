// Servers over one storage that goes wrong as a test says, each with a clock of its own, and what a client
// says to them.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "agent/backends/disk_directory.hpp"
#include "agent/net/client_pool.hpp"
#include "agent/net/http_server.hpp"
#include "agent/server/service.hpp"
#include "tests/server/running_server.hpp"
#include "tests/support/faulty_storage.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::server::tests {

// The storage that they share.
struct SharedStorage {
  agent::tests::TempFolder folder{agent::tests::memory_folder()};
  ManualClock clock;
  std::unique_ptr<backends::DiskDirectory> disk = *backends::DiskDirectory::open(folder.path(), clock);
  agent::tests::FaultyStorage storage{*disk};
};

class Replica final {
public:
  explicit Replica(SharedStorage& shared) {
    ServiceOptions options;
    options.admin_token = Secret(std::string(k_root));
    options.spool = spool_.path();
    auto opened = Service::open(std::move(options), shared.storage, clock_, registry_);
    EXPECT_THAT(opened, agent::tests::Succeeds());
    service_ = *std::move(opened);
    auto started = net::HttpServer::start(
        {},
        [this](const net::Request& request, net::Responder& respond) {
          return service_->handle(request, respond);
        },
        registry_);
    EXPECT_THAT(started, agent::tests::Succeeds());
    http_ = *std::move(started);
  }

  ManualClock& clock() { return clock_; }
  std::uint16_t port() const { return http_->port(); }
  const std::filesystem::path& spool() const { return spool_.path(); }

  Reply call(std::string_view method, std::string_view path, const io::Json& body = {}, const Ask& ask = {}) {
    return raw(method, path, body.is_null() ? std::string() : body.dump(), ask);
  }

  Reply raw(std::string_view method, std::string_view path, const std::string& body, const Ask& ask = {}) {
    net::ClientRequest request;
    request.method = method;
    request.headers.add("Authorization", "Bearer " + ask.token);
    if (!ask.if_match.empty()) {
      request.headers.add("If-Match", ask.if_match);
    }
    return send(fmt::format("{}{}", k_workspace, path), request, body);
  }

  // A signed URL of this server or of another one over the same storage.
  Reply blob(std::string_view method, const std::string& url, const std::string& body = {}) {
    net::ClientRequest request;
    request.method = method;
    return send(url.substr(url.find("/v2/")), request, body);
  }

  std::string upload_url(const std::string& content) {
    const auto staged = call("POST", "/caches/blobs/stage", RunningServer::blobs(content));
    EXPECT_EQ(staged.status, 200) << staged.text;
    const auto* const urls = staged.body["upload_urls"].array();
    return urls != nullptr && !urls->empty() ? urls->front().text("url") : std::string();
  }

  // An entry whose manifest is `content`, uploaded.
  std::string entry(std::string_view tag, const std::string& content) {
    const auto created = call("POST", "/caches", RunningServer::creation(tag, content));
    EXPECT_EQ(created.status, 201) << created.text;
    if (const auto url = created.body.text("manifest_upload_url"); !url.empty()) {
      EXPECT_EQ(blob("PUT", url, content).status, 200);
    }
    return created.body.text("cache_entry_id");
  }

  Reply publish(std::string_view tag, const std::string& entry_id, const std::string& if_match) {
    return call("PUT", fmt::format("/caches/tags/{}/publish", tag),
                io::JsonObject{{"cache_entry_id", entry_id}, {"publish_mode", "cas"}},
                {.if_match = if_match});
  }

private:
  Reply send(const std::string& target, const net::ClientRequest& request, const std::string& body) {
    const auto answer = pool_.send(fmt::format("http://127.0.0.1:{}{}", port(), target), request, body);
    EXPECT_THAT(answer, agent::tests::Succeeds());
    if (!answer) {
      return {};
    }
    const auto json = io::parse_json(answer->body, "reply");
    return {.status = answer->status,
            .body = json ? *json : io::Json(),
            .text = answer->body,
            .headers = answer->headers};
  }

  agent::tests::TempFolder spool_{agent::tests::memory_folder()};
  ManualClock clock_;
  metrics::Registry registry_;
  net::ClientPool pool_{net::PoolOptions{}};
  std::unique_ptr<Service> service_;
  std::unique_ptr<net::HttpServer> http_;  // last: its threads use the service
};

}  // namespace agent::server::tests
