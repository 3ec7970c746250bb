// A whole server over a folder in memory, and a client that says what it likes to it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/json.hpp"
#include "agent/net/client_pool.hpp"
#include "agent/server/server.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::server::tests {

constexpr std::string_view k_root = "the-administrators-own-token";
constexpr std::string_view k_workspace = "/v2/workspaces/acme/ci";

inline std::string digest_of(std::string_view bytes) {
  return digest_text(io::sha256(io::bytes_of(bytes)));
}

struct Reply {
  int status = 0;
  io::Json body;
  std::string text;
  net::Headers headers;
};

struct Ask {
  std::string token = std::string(k_root);
  std::string if_match = {};
  std::string if_none_match = {};
};

class RunningServer final {
public:
  explicit RunningServer(ServiceOptions service = {}) {
    ServerOptions options;
    options.storage = "disk://" + folder_.path().string();
    options.service = std::move(service);
    options.service.spool = folder_.path();
    options.service.admin_token = Secret(std::string(k_root));
    auto started = Server::start(std::move(options));
    EXPECT_THAT(started, agent::tests::Succeeds());
    server_ = started ? *std::move(started) : nullptr;
  }

  std::string base() const { return fmt::format("http://127.0.0.1:{}", server_->port()); }
  const std::filesystem::path& folder() const { return folder_.path(); }

  // `path` below the workspace, or from "/v2/" on.
  Reply call(std::string_view method, std::string_view path, const io::Json& body = {}, const Ask& ask = {}) {
    return raw(method, path, body.is_null() ? std::string() : body.dump(), ask);
  }

  Reply raw(std::string_view method, std::string_view path, const std::string& body, const Ask& ask = {}) {
    net::ClientRequest request;
    request.method = method;
    if (!ask.token.empty()) {
      request.headers.add("Authorization", "Bearer " + ask.token);
    }
    if (!ask.if_match.empty()) {
      request.headers.add("If-Match", ask.if_match);
    }
    if (!ask.if_none_match.empty()) {
      request.headers.add("If-None-Match", ask.if_none_match);
    }
    const auto url = path.starts_with("/v2/") ? base() + std::string(path)
                                              : base() + std::string(k_workspace) + std::string(path);
    return send(url, request, body);
  }

  // A signed URL: no token.
  Reply blob(std::string_view method, const std::string& url, const std::string& body = {},
             std::string_view range = {}) {
    net::ClientRequest request;
    request.method = method;
    if (!range.empty()) {
      request.headers.add("Range", range);
    }
    return send(url, request, body);
  }

  std::string token(const io::JsonObject& wanted) {
    const auto reply = call("POST", "/tokens", io::JsonObject{{"token", wanted}});
    EXPECT_EQ(reply.status, 201) << reply.text;
    return reply.body.text("value");
  }

  // An entry whose manifest is `content`, uploaded and ready to be published.
  std::string entry(std::string_view tag, const std::string& content, const Ask& ask = {}) {
    const auto created = call("POST", "/caches", creation(tag, content), ask);
    EXPECT_EQ(created.status / 100, 2) << created.text;
    if (const auto url = created.body.text("manifest_upload_url"); !url.empty()) {
      EXPECT_EQ(blob("PUT", url, content).status, 200);
    }
    return created.body.text("cache_entry_id");
  }

  Reply publish(std::string_view tag, const std::string& entry_id, const Ask& ask) {
    return call("PUT", fmt::format("/caches/tags/{}/publish", tag),
                io::JsonObject{{"cache_entry_id", entry_id}, {"publish_mode", "cas"}}, ask);
  }

  static io::Json creation(std::string_view tag, std::string_view content) {
    return io::JsonObject{{"cache", io::JsonObject{{"tag", tag},
                                                   {"manifest_root_digest", digest_of(content)},
                                                   {"compression_algorithm", "zstd"},
                                                   {"storage_mode", "cas"},
                                                   {"cas_layout", "file-v1"},
                                                   {"total_size_bytes", content.size()},
                                                   {"blob_count", 0},
                                                   {"expected_manifest_digest", digest_of(content)},
                                                   {"expected_manifest_size", content.size()},
                                                   {"force", true}}}};
  }

  static io::Json blobs(std::string_view content) {
    return io::JsonObject{{"blobs", io::JsonArray{io::JsonObject{{"digest", digest_of(content)},
                                                                 {"size_bytes", content.size()}}}}};
  }

private:
  Reply send(const std::string& url, const net::ClientRequest& request, const std::string& body) {
    const auto answer = pool_.send(url, request, body);
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

  agent::tests::TempFolder folder_{agent::tests::memory_folder()};
  std::unique_ptr<Server> server_;
  net::ClientPool pool_{net::PoolOptions{}};
};

}  // namespace agent::server::tests
