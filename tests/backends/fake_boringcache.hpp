// As much of the BoringCache API as the storage uses, in memory, with answers going wrong as a test says.
// What a real server does is tried by tests/contract. Thread-safe.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "agent/core/guarded.hpp"
#include "agent/core/text.hpp"
#include "agent/io/json.hpp"
#include "agent/net/http_syntax.hpp"
#include "tests/backends/http_fake.hpp"

namespace agent::tests {

inline net::Response api_answer(int status, std::string_view json) {
  return net::text_response(status, json, "application/json");
}

class FakeBoringcache final {
public:
  // What is answered instead; empty: nothing goes wrong.
  using Script = std::function<std::optional<net::Response>(const FakeRequest& request)>;

  FakeBoringcache() : server_([this](const FakeRequest& request) { return answer(request); }) {}

  std::string url() const {
    return "boringcache://" + server_.url().substr(std::string_view("http://").size()) + "/acme/ci";
  }

  void set_script(Script script) {
    state_.with([&](State& state) { state.script = std::move(script); });
  }

private:
  struct Entry {
    std::string root;
    std::uint64_t size = 0;
    std::uint64_t blobs = 0;
    std::string manifest;  // its place
  };
  struct State {
    std::map<std::string, Entry> entries;
    std::map<std::string, std::string> tags;   // to entries
    std::map<std::string, std::string> bytes;  // by place
    Script script;
  };

  std::optional<net::Response> answer(const FakeRequest& request) {
    const auto script = state_.with([](const State& state) { return state.script; });
    if (script) {
      if (auto wrong = script(request)) {
        return wrong;
      }
    }
    return state_.with([&](State& state) { return serve(state, request); });
  }

  static std::string pointed_at(const State& state, const std::string& tag) {
    const auto found = state.tags.find(tag);
    return found == state.tags.end() ? std::string() : found->second;
  }

  net::Response serve(State& state, const FakeRequest& request) const {
    const std::string_view path = request.head.path;
    constexpr std::string_view k_tags = "/v2/workspaces/acme/ci/caches/tags/";
    if (path.starts_with("/bytes/")) {
      return serve_bytes(state, request);
    }
    if (path.starts_with(k_tags)) {
      const auto names = split(path.substr(k_tags.size()), '/');
      return names.back() == "publish" ? publish(state, std::string(names.front()), request)
                                       : pointer(state, std::string(names.front()));
    }
    if (path.ends_with("/capabilities")) {
      return api_answer(200, R"({"features":{"blob_stage_v2":true,"tag_publish_v2":true}})");
    }
    if (path.ends_with("/tags")) {
      return list(state);
    }
    if (path.ends_with("/stage") || path.ends_with("/download-urls")) {
      return places(request, path.ends_with("/stage") ? "upload_urls" : "download_urls");
    }
    return request.head.method == "POST" ? create(state, request) : restore(state, request);
  }

  net::Response create(State& state, const FakeRequest& request) const {
    const auto body = io::parse_json(request.body, "body").value();
    const auto& cache = body["cache"];
    const auto id = fmt::format("e{}", state.entries.size());
    const auto place = "/bytes/manifest-" + id;
    state.entries[id] = {.root = cache.text("manifest_root_digest"),
                         .size = cache["total_size_bytes"].count().value_or(0),
                         .blobs = cache["blob_count"].count().value_or(0),
                         .manifest = place};
    return api_answer(
        201, io::Json(io::JsonObject{{"cache_entry_id", id}, {"manifest_upload_url", server_.url() + place}})
                 .dump());
  }

  net::Response places(const FakeRequest& request, std::string_view member) const {
    const auto body = io::parse_json(request.body, "body").value();
    const auto digest = body["blobs"].array()->front().text("digest");
    const io::Json place(io::JsonObject{{"digest", digest}, {"url", server_.url() + "/bytes/" + digest}});
    return api_answer(200, io::Json(io::JsonObject{{std::string(member), io::JsonArray{place}}}).dump());
  }

  static net::Response publish(State& state, const std::string& tag, const FakeRequest& request) {
    const auto at = pointed_at(state, tag);
    if (request.head.headers.get("If-Match") != (at.empty() ? "0" : at)) {
      return api_answer(412, R"({"error":"the tag was moved","code":"conflict"})");
    }
    const auto entry = io::parse_json(request.body, "body").value().text("cache_entry_id");
    state.tags[tag] = entry;
    return api_answer(200, io::Json(io::JsonObject{{"version", entry}}).dump());
  }

  net::Response pointer(const State& state, const std::string& tag) const {
    const auto id = pointed_at(state, tag);
    if (id.empty()) {
      return api_answer(404, R"({"error":"there is no tag","code":"not_found"})");
    }
    const auto& entry = state.entries.at(id);
    return api_answer(200, io::Json(io::JsonObject{{"tag", tag},
                                                   {"version", id},
                                                   {"cache_entry_id", id},
                                                   {"manifest_root_digest", entry.root},
                                                   {"manifest_url", server_.url() + entry.manifest}})
                               .dump());
  }

  net::Response restore(const State& state, const FakeRequest& request) const {
    const auto tag = request.head.query.substr(std::string_view("entries=").size());
    const auto id = pointed_at(state, tag);
    if (id.empty()) {
      const io::Json miss(io::JsonObject{{"tag", tag}, {"status", "miss"}});
      return api_answer(200, io::Json(io::JsonArray{miss}).dump());
    }
    const auto& entry = state.entries.at(id);
    const io::Json hit(io::JsonObject{{"tag", tag},
                                      {"status", "hit"},
                                      {"cache_entry_id", id},
                                      {"manifest_root_digest", entry.root},
                                      {"manifest_url", server_.url() + entry.manifest},
                                      {"blob_count", entry.blobs},
                                      {"metadata", io::JsonObject{{"total_size_bytes", entry.size}}}});
    return api_answer(200, io::Json(io::JsonArray{hit}).dump());
  }

  static net::Response list(const State& state) {
    io::JsonArray tags;
    for (const auto& [tag, id] : state.tags) {
      tags.emplace_back(io::JsonObject{{"name", tag}, {"stored_size_bytes", state.entries.at(id).size}});
    }
    return api_answer(200, io::Json(io::JsonObject{{"tags", std::move(tags)}}).dump());
  }

  static net::Response serve_bytes(State& state, const FakeRequest& request) {
    auto& bytes = state.bytes[request.head.path];
    if (request.head.method == "PUT") {
      bytes = request.body;
      return net::text_response(200, "");
    }
    return net::text_response(200, bytes);  // no ranges here: all of it
  }

  Guarded<State> state_;
  HttpFake server_;
};

}  // namespace agent::tests
