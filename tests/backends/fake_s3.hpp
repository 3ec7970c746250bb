// As much of S3 as the storage uses, in memory, with answers going wrong as a test says. What a real service
// does is tried by tests/contract. Thread-safe.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/core/guarded.hpp"
#include "agent/core/text.hpp"
#include "agent/io/checksum.hpp"
#include "agent/net/http_syntax.hpp"
#include "tests/backends/http_fake.hpp"

namespace agent::tests {

inline net::Response s3_refusal(int status, std::string_view code) {
  return net::text_response(status,
                            fmt::format("<Error><Code>{}</Code><Message>said so</Message></Error>", code),
                            "application/xml");
}

class FakeS3 final {
public:
  // What happens instead of the answer, or with it: `done` says whether the request takes effect first.
  struct Fault {
    enum class Effect : std::uint8_t { none, done } effect = Effect::none;
    std::optional<net::Response> answer;  // empty: the connection is cut
  };
  using Script = std::function<std::optional<Fault>(const FakeRequest& request)>;

  FakeS3() : server_([this](const FakeRequest& request) { return answer(request); }) {}

  std::string url() const { return "s3://bucket/p?region=r-1&endpoint=" + server_.url(); }

  // From now on; the counts begin anew.
  void set_script(Script script) {
    state_.with([&](State& state) {
      state.script = std::move(script);
      state.seen.clear();
    });
  }

  // Takes every condition for fulfilled.
  void ignore_conditions() {
    state_.with([](State& state) { state.ignores = true; });
  }

  void put(const std::string& key, std::string content, std::string mark = {}) {
    state_.with([&](State& state) { state.store("/bucket/" + key, std::move(content), std::move(mark)); });
  }

  std::optional<std::string> content_of(const std::string& key) const {
    return state_.with([&](const State& state) -> std::optional<std::string> {
      const auto found = state.objects.find("/bucket/" + key);
      return found == state.objects.end() ? std::nullopt : std::optional(found->second.content);
    });
  }

  // "METHOD path?query" of everything since the last script, with "!" in front of conditional ones.
  std::vector<std::string> seen() const {
    return state_.with([](const State& state) { return state.seen; });
  }

private:
  struct Object {
    std::string content;
    std::string etag;
    std::string mark;
  };
  struct State {
    std::map<std::string, Object> objects;
    std::map<std::string, std::string> parts;  // "1", "2": of the one upload there is
    std::string upload_mark;
    Script script;
    bool ignores = false;
    std::vector<std::string> seen;

    const Object& store(const std::string& path, std::string content, std::string mark) {
      auto etag = "\"" + io::sha256(io::bytes_of(content)).hex().substr(0, 32) + "\"";
      objects[path] = {.content = std::move(content), .etag = std::move(etag), .mark = std::move(mark)};
      return objects[path];
    }
  };

  std::optional<net::Response> answer(const FakeRequest& request) {
    const auto script = state_.with([&](State& state) {
      const bool conditional =
          request.head.headers.has("If-Match") || request.head.headers.has("If-None-Match");
      state.seen.push_back(fmt::format("{}{} {}{}{}", conditional ? "!" : "", request.head.method,
                                       request.head.path, request.head.query.empty() ? "" : "?",
                                       request.head.query));
      return state.script;
    });
    const auto fault = script ? script(request) : std::nullopt;
    if (fault && fault->effect == Fault::Effect::none) {
      return fault->answer;
    }
    auto answer = state_.with([&](State& state) { return serve(state, request); });
    return fault ? fault->answer : std::optional(std::move(answer));
  }

  static bool condition_holds(const State& state, const FakeRequest& request) {
    const auto found = state.objects.find(request.head.path);
    const auto match = request.head.headers.get("If-Match");
    const bool absent_wanted = request.head.headers.has("If-None-Match");
    const bool there = found != state.objects.end();
    return state.ignores ||
           ((!absent_wanted || !there) && (match.empty() || (there && found->second.etag == match)));
  }

  static net::Response serve(State& state, const FakeRequest& request) {
    const auto& head = request.head;
    const bool writes = head.method == "PUT" || head.method == "POST";
    if (writes && !condition_holds(state, request)) {
      return s3_refusal(412, "PreconditionFailed");
    }
    if (head.method == "POST" || head.query.contains("uploadId")) {
      return serve_upload(state, request);
    }
    if (head.method == "PUT") {
      auto response = net::text_response(200, "");
      response.headers.set(
          "ETag",
          state.store(head.path, request.body, std::string(head.headers.get("x-amz-meta-hearth-write")))
              .etag);
      return response;
    }
    if (head.method == "DELETE") {
      state.objects.erase(head.path);
      return {.status = 204, .headers = {}, .body = {}};
    }
    return head.path == "/bucket" ? serve_list(state, head.query) : serve_read(state, head);
  }

  static net::Response serve_read(const State& state, const net::Request& head) {
    const auto found = state.objects.find(head.path);
    if (found == state.objects.end()) {
      return s3_refusal(404, "NoSuchKey");
    }
    const auto& content = found->second.content;
    auto response = net::text_response(200, content);
    if (const auto range = head.headers.get("Range"); !range.empty()) {
      const auto bounds = split(range.substr(std::string_view("bytes=").size()), '-');
      const auto begin = net::parse_length(bounds[0]).value_or(0);
      const auto end = std::min<std::uint64_t>(net::parse_length(bounds[1]).value_or(0) + 1, content.size());
      if (begin >= content.size()) {
        return s3_refusal(416, "InvalidRange");
      }
      response = net::text_response(206, std::string_view(content).substr(begin, end - begin));
      response.headers.set("Content-Range", fmt::format("bytes {}-{}/{}", begin, end - 1, content.size()));
    }
    response.headers.set("ETag", found->second.etag);
    response.headers.set("x-amz-meta-hearth-write", found->second.mark);
    return response;
  }

  // Two entries a page.
  static net::Response serve_list(const State& state, std::string_view query) {
    constexpr std::size_t k_page = 2;
    const auto value_of = [&](std::string_view name) {
      for (const auto pair : split(query, '&')) {
        if (pair.starts_with(name) && pair.substr(name.size()).starts_with('=')) {
          return net::percent_decoded(pair.substr(name.size() + 1)).value_or("");
        }
      }
      return std::string();
    };
    const auto after = value_of("continuation-token");
    std::string entries;
    std::string last;
    std::size_t count = 0;
    bool more = false;
    for (const auto& [path, object] : state.objects) {
      const auto key = path.substr(std::string_view("/bucket/").size());
      if (!key.starts_with(value_of("prefix")) || key <= after) {
        continue;
      }
      more = count == k_page;
      if (more) {
        break;
      }
      ++count;
      last = key;
      entries += fmt::format(
          "<Contents><Key>{}</Key><Size>{}</Size><LastModified>2026-11-21T10:00:00.000Z</LastModified></"
          "Contents>",
          key, object.content.size());
    }
    return net::text_response(
        200,
        fmt::format("<ListBucketResult><IsTruncated>{}</IsTruncated>{}{}</ListBucketResult>", more,
                    more ? fmt::format("<NextContinuationToken>{}</NextContinuationToken>", last) : "",
                    entries),
        "application/xml");
  }

  static net::Response serve_upload(State& state, const FakeRequest& request) {
    const auto& head = request.head;
    if (head.query.starts_with("uploads")) {
      state.upload_mark = head.headers.get("x-amz-meta-hearth-write");
      state.parts.clear();
      return net::text_response(
          200, "<InitiateMultipartUploadResult><UploadId>u-1</UploadId></InitiateMultipartUploadResult>");
    }
    if (head.method == "PUT") {
      const auto number =
          head.query.substr(std::string_view("partNumber=").size(), head.query.find('&') - 11);
      state.parts[fmt::format("{:0>5}", number)] = request.body;
      auto response = net::text_response(200, "");
      response.headers.set("ETag", fmt::format("\"part{}\"", number));
      return response;
    }
    if (head.method == "DELETE") {
      state.parts.clear();
      return {.status = 204, .headers = {}, .body = {}};
    }
    std::string content;
    for (const auto& [number, part] : state.parts) {
      content += part;
    }
    state.store(head.path, std::move(content), state.upload_mark);
    return net::text_response(200, "<CompleteMultipartUploadResult/>");
  }

  Guarded<State> state_;
  HttpFake server_;
};

}  // namespace agent::tests
