#include "agent/backends/github_service.hpp"

#include <algorithm>

#include "agent/backends/github_answers.hpp"
#include "agent/backends/github_blobs.hpp"
#include "agent/io/json.hpp"

namespace agent::backends {

namespace {

constexpr int k_ok = 200;
constexpr int k_no_content = 204;
constexpr int k_taken = 409;
constexpr std::string_view k_denied = "cache write denied";

bool is_success(int status) {
  return status / 100 == 2;
}

class SecondVersion final : public ActionsCache {
public:
  SecondVersion(const GithubConfig& config, const Clock& clock, metrics::Registry& registry)
      : base_(config.base + "twirp/github.actions.results.api.v1.CacheService/"),
        calls_(config, clock, registry) {}

  Result<std::optional<Reservation>> reserve(std::string_view key) override {
    AGENT_TRY(const auto answer, send("create", "CreateCacheEntry", CallKind::write,
                                      io::JsonObject{{"key", key}, {"version", k_entry_version}}));
    const auto operation = fmt::format("create {}", key);
    if (answer.status == k_taken || parse_twirp_error(answer.body).code == "already_exists") {
      return std::optional<Reservation>{};
    }
    AGENT_TRY(auto created, granted(operation, answer));
    if (created.url.empty()) {
      return fail(Errc::transient, "{}: the answer has no place to upload to", operation);
    }
    return std::optional(Reservation{.key = std::string(key), .upload_url = std::move(created.url), .id = 0});
  }

  Result<void> upload(const Reservation& reservation, const Source& source) override {
    return upload_blob(calls_, reservation.upload_url, source);
  }

  Result<void> finalise(const Reservation& reservation, std::uint64_t size_bytes) override {
    AGENT_TRY(const auto answer, send("finalise", "FinalizeCacheEntryUpload", CallKind::write,
                                      io::JsonObject{{"key", reservation.key},
                                                     {"version", k_entry_version},
                                                     {"size_bytes", std::to_string(size_bytes)}}));
    AGENT_CHECK(granted(fmt::format("finalise {}", reservation.key), answer));
    return {};
  }

  Result<std::optional<FoundEntry>> find(std::string_view key, std::string_view otherwise) override {
    io::JsonObject request{{"key", key}, {"version", k_entry_version}};
    if (!otherwise.empty()) {
      request["restore_keys"] = io::JsonArray{otherwise};
    }
    AGENT_TRY(const auto answer,
              send("find", "GetCacheEntryDownloadURL", CallKind::look_up, std::move(request)));
    const auto operation = fmt::format("find {}", key);
    if (answer.status != k_ok) {
      return std::unexpected(calls_.error_of(operation, answer));
    }
    auto found = parse_twirp_answer(answer.body);
    if (!found) {
      return with_context(operation, std::move(found).error());
    }
    if (!found->ok && found->message.contains("denied")) {
      return std::unexpected(calls_.denial_of(operation, found->message));
    }
    if (!found->ok || found->url.empty()) {
      return std::optional<FoundEntry>{};
    }
    return std::optional(FoundEntry{.key = std::move(found->matched_key), .url = std::move(found->url)});
  }

  Result<std::optional<Piece>> download(const std::string& url, Range range) override {
    return download_blob(calls_, url, range);
  }

private:
  Result<net::ClientResponse> send(std::string_view name, std::string_view method, CallKind kind,
                                   io::JsonObject fields) {
    ServiceCall call{.name = name, .kind = kind, .url = base_ + std::string(method), .request = {}};
    call.request.method = "POST";
    call.request.headers.set("Content-Type", "application/json");
    call.request.headers.set("Accept", "application/json");
    call.request.body = io::Json(std::move(fields)).dump();
    return calls_.send(std::move(call));
  }

  // An answer of 200 may say no: by policy, or without a word, which may mean anything.
  Result<TwirpAnswer> granted(const std::string& operation, const net::ClientResponse& answer) const {
    if (answer.status != k_ok) {
      return std::unexpected(calls_.error_of(operation, answer));
    }
    auto parsed = parse_twirp_answer(answer.body);
    if (!parsed) {
      return with_context(operation, std::move(parsed).error());
    }
    if (!parsed->ok && parsed->message.starts_with(k_denied)) {
      return std::unexpected(calls_.denial_of(operation, parsed->message));
    }
    if (!parsed->ok) {
      return fail(Errc::transient, "{}: the service said no: {}", operation,
                  parsed->message.empty() ? "(no reason)" : parsed->message);
    }
    return parsed;
  }

  std::string base_;
  GithubCalls calls_;
};

// GitHub Enterprise Server, and what else has not moved on.
class FirstVersion final : public ActionsCache {
public:
  FirstVersion(const GithubConfig& config, const Clock& clock, metrics::Registry& registry)
      : base_(config.base + "_apis/artifactcache/"), calls_(config, clock, registry) {}

  Result<std::optional<Reservation>> reserve(std::string_view key) override {
    const io::Json fields(io::JsonObject{{"key", key}, {"version", k_entry_version}});
    AGENT_TRY(const auto answer, send("create", CallKind::write, "POST", "caches", fields.dump()));
    if (answer.status == k_taken) {
      return std::optional<Reservation>{};
    }
    if (!is_success(answer.status)) {
      return std::unexpected(calls_.error_of(fmt::format("create {}", key), answer));
    }
    AGENT_TRY(const auto id, parse_v1_reservation(answer.body));
    return std::optional(Reservation{.key = std::string(key), .upload_url = {}, .id = id});
  }

  Result<void> upload(const Reservation& reservation, const Source& source) override {
    const auto size = size_of(source);
    for (std::uint64_t at = 0; at < size; at += k_block_bytes) {
      const auto end = std::min(size, at + k_block_bytes);
      AGENT_TRY(const auto piece, piece_of(source, {.offset = at, .size = end - at}));
      auto call = made("upload", CallKind::write, "PATCH", fmt::format("caches/{}", reservation.id));
      call.request.headers.set("Content-Type", "application/octet-stream");
      call.request.headers.set("Content-Range", fmt::format("bytes {}-{}/*", at, end - 1));
      call.request.body = std::string(piece.view());
      AGENT_TRY(const auto answer, calls_.send(std::move(call)));
      AGENT_CHECK(succeeded("upload", reservation, answer));
    }
    return {};
  }

  Result<void> finalise(const Reservation& reservation, std::uint64_t size_bytes) override {
    const io::Json fields(io::JsonObject{{"size", size_bytes}});
    AGENT_TRY(const auto answer, send("finalise", CallKind::write, "POST",
                                      fmt::format("caches/{}", reservation.id), fields.dump()));
    return succeeded("finalise", reservation, answer);
  }

  Result<std::optional<FoundEntry>> find(std::string_view key, std::string_view otherwise) override {
    // Keys are names of objects and what is appended to them: nothing in them needs escaping but '~', which
    // may stand as it is, and '/'.
    std::string keys = slashes_escaped(key);
    if (!otherwise.empty()) {
      keys += "%2C" + slashes_escaped(otherwise);
    }
    AGENT_TRY(const auto answer, send("find", CallKind::look_up, "GET",
                                      fmt::format("cache?keys={}&version={}", keys, k_entry_version), {}));
    if (answer.status == k_no_content) {
      return std::optional<FoundEntry>{};
    }
    if (answer.status != k_ok) {
      return std::unexpected(calls_.error_of(fmt::format("find {}", key), answer));
    }
    AGENT_TRY(auto entry, parse_v1_entry(answer.body));
    return std::optional(FoundEntry{.key = std::move(entry.key), .url = std::move(entry.url)});
  }

  Result<std::optional<Piece>> download(const std::string& url, Range range) override {
    return download_blob(calls_, url, range);
  }

private:
  static std::string slashes_escaped(std::string_view key) {
    std::string text;
    for (const char letter : key) {
      text += letter == '/' ? "%2F" : std::string(1, letter);
    }
    return text;
  }

  ServiceCall made(std::string_view name, CallKind kind, std::string_view method,
                   const std::string& path) const {
    ServiceCall call{.name = name, .kind = kind, .url = base_ + path, .request = {}};
    call.request.method = method;
    call.request.headers.set("Accept", "application/json;api-version=6.0-preview.1");
    return call;
  }

  Result<net::ClientResponse> send(std::string_view name, CallKind kind, std::string_view method,
                                   const std::string& path, std::string body) {
    auto call = made(name, kind, method, path);
    if (!body.empty()) {
      call.request.headers.set("Content-Type", "application/json");
      call.request.body = std::move(body);
    }
    return calls_.send(std::move(call));
  }

  Result<void> succeeded(std::string_view what, const Reservation& reservation,
                         const net::ClientResponse& answer) const {
    if (is_success(answer.status)) {
      return {};
    }
    return std::unexpected(calls_.error_of(fmt::format("{} {}", what, reservation.key), answer));
  }

  std::string base_;
  GithubCalls calls_;
};

}  // namespace

std::unique_ptr<ActionsCache> open_actions_cache(const GithubConfig& config, const Clock& clock,
                                                 metrics::Registry& registry) {
  if (config.service == GithubConfig::Service::v1) {
    return std::make_unique<FirstVersion>(config, clock, registry);
  }
  return std::make_unique<SecondVersion>(config, clock, registry);
}

}  // namespace agent::backends
