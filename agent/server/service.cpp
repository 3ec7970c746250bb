#include "agent/server/service.hpp"

#include <algorithm>

#include "agent/core/text.hpp"
#include "agent/server/archives.hpp"
#include "agent/server/bodies.hpp"
#include "agent/server/query.hpp"
#include "agent/server/shared_key.hpp"

namespace agent::server {

namespace {

constexpr int k_json_depth = 16;
constexpr std::string_view k_api = "/v2/";

std::string_view bearer_of(const net::Headers& headers) {
  constexpr std::string_view k_scheme = "Bearer ";
  const auto given = headers.get("Authorization");
  return equals_ignoring_case(given.substr(0, k_scheme.size()), k_scheme)
             ? trimmed(given.substr(k_scheme.size()))
             : std::string_view();
}

net::Response response_of(const Answer& answer) {
  net::Response response;
  response.status = answer.status;
  if (answer.status != 304) {
    response.body = answer.body.dump() + "\n";
    response.headers.add("Content-Type", "application/json");
  }
  response.headers.add("Cache-Control", "no-store");
  for (const auto& [name, value] : answer.headers) {
    response.headers.add(name, value);
  }
  return response;
}

net::Response refused(int status, std::string_view code, std::string_view text) {
  return response_of(refusal(status, code, text));
}

// The tags that a body names, for the audit log; of many or long ones the beginning.
std::string tags_of(const Call& call) {
  constexpr std::size_t k_shown = 1'000;
  std::string tags = call.body.text("tag");
  if (const auto* const names = call.body["entries"].array(); names != nullptr && call.method == "DELETE") {
    for (const auto& name : *names) {
      if (tags.size() < k_shown && name.is_string()) {
        tags += (tags.empty() ? "" : ",") + *name.string();
      }
    }
  }
  return tags.substr(0, k_shown);
}

net::Response too_busy() {
  auto response = refused(503, "busy", "this server has too much to do; try again");
  response.headers.add("Retry-After", "1");
  return response;
}

}  // namespace

Service::Service(ServiceOptions options, backends::ObjectStorage& storage, const Clock& clock,
                 metrics::Registry& registry, Keys keys)
    : options_(std::move(options)),
      registry_(registry),
      blobs_(storage, options_.spool),
      tags_(storage, clock),
      rows_(storage, clock),
      tokens_(storage, clock, options_.admin_token),
      reports_(storage, clock),
      urls_(std::move(keys.urls), clock),
      signer_(std::move(keys.signatures)),
      limit_(options_.requests_per_second, clock),
      audit_(options_.audit_file, clock),
      context_{.storage = storage,
               .clock = clock,
               .blobs = blobs_,
               .tags = tags_,
               .rows = rows_,
               .tokens = tokens_,
               .reports = reports_,
               .urls = urls_,
               .signer = signer_},
      workers_(options_.threads) {}

Result<std::unique_ptr<Service>> Service::open(ServiceOptions options, backends::ObjectStorage& storage,
                                               const Clock& clock, metrics::Registry& registry) {
  Keys keys{.urls = {}, .signatures = options.signing_secret};
  AGENT_TRY(keys.urls, shared_key(storage, k_keys_object));
  if (keys.signatures.empty()) {
    AGENT_TRY(keys.signatures, shared_key(storage, k_signatures_object));
  }
  return std::unique_ptr<Service>(new Service(std::move(options), storage, clock, registry, std::move(keys)));
}

Stores Service::stores() {
  return {.storage = context_.storage,
          .clock = context_.clock,
          .tags = tags_,
          .rows = rows_,
          .reports = reports_};
}

net::Decision Service::handle(const net::Request& request, net::Responder& respond) {
  const std::string_view path(request.path);
  if (path.starts_with(k_blobs_path)) {
    return blob(request, respond);
  }
  if (path.starts_with(k_api)) {
    return api(request, respond);
  }
  if (request.method != "GET" && request.method != "HEAD") {
    return net::text_response(405, "only GET is answered here\n");
  }
  if (path == "/healthz") {
    return net::text_response(200, "ok\n");
  }
  if (path == "/metrics") {
    return net::text_response(200, registry_.prometheus(), "text/plain; version=0.0.4; charset=utf-8");
  }
  if (path == "/") {
    return pages::response_of(page_);
  }
  return refused(404, "not_found", "there is nothing at this path");
}

net::Decision Service::api(const net::Request& request, net::Responder& respond) {
  if (request.content_length.value_or(0) > options_.max_json_bytes) {
    return refused(413, "too_large",
                   fmt::format("a body may have {} bytes at most", options_.max_json_bytes));
  }
  if (is_full()) {
    return too_busy();
  }
  if (request.content_length.value_or(1) == 0) {
    run(request, {}, std::move(respond));
    return net::Accepted{};
  }
  return std::make_unique<JsonBody>(
      options_.max_json_bytes, [this, request](std::optional<std::string> body, net::Responder answer_to) {
        if (!body) {
          answer_to(refused(413, "too_large", "the body is too large"));
          return;
        }
        run(request, *std::move(body), std::move(answer_to));
      });
}

void Service::run(const net::Request& request, std::string body, net::Responder respond) {
  workers_.give([this, request, body = std::move(body), answer_to = std::move(respond)]() mutable {
    answer_to(answer(request, body));
  });
}

net::Response Service::answer(const net::Request& request, const std::string& body) {
  const auto match = find_route(request.method, request.path);
  if (match.route != nullptr && is_hidden(match)) {
    return refused(404, "not_found", "there is nothing at this path");
  }
  if (match.route == nullptr) {
    return match.is_path_known ? refused(405, "method_not_allowed", "this path takes other methods")
                               : refused(404, "not_found", "there is nothing at this path");
  }
  Call call{.method = request.method,
            .path = request.path,
            .query = request.query,
            .headers = request.headers,
            .base = base_of(request),
            .body = {},
            .grant = {},
            .workspace = match.workspace.value_or(Workspace{}),
            .name = match.name};
  auto done = authorized(call, match, body);
  auto given = done ? *std::move(done) : answer_of(done.error());
  if (options_.offers == Offers::wrappers && match.route->handle == capabilities) {
    given.body =
        io::JsonObject{{"features", io::JsonObject{{"blob_stage_v2", false}, {"tag_publish_v2", false}}}};
  }
  note(call, match, given.status);
  return response_of(given);
}

bool Service::is_hidden(const Match& match) const {
  switch (options_.offers) {
    case Offers::wrappers:
      return match.route->handle == publish_tag || match.route->pattern.ends_with("/blobs/stage");
    case Offers::nothing_is_said:
      return match.route->handle == capabilities;
    default:
      return false;
  }
}

void Service::note(const Call& call, const Match& match, int status) {
  const auto* const reason = status == 401   ? "token"
                             : status == 403 ? "permission"
                             : status == 429 ? "rate"
                                             : nullptr;
  if (reason != nullptr) {
    registry_
        .counter("hearth_server_refused_total", "requests refused to whoever asked", {{"reason", reason}})
        .add();
  }
  const bool is_change = match.route->audit == Route::Audit::everything;
  if (is_change || (reason != nullptr && status != 429)) {
    audit_.note({.who = call.grant.token.name.empty() ? std::string() : call.grant.who(),
                 .method = call.method,
                 .path = call.path,
                 .status = status,
                 .tags = tags_of(call)});
  }
}

Result<Answer> Service::authorized(Call& call, const Match& match, const std::string& body) {
  if (match.route->level) {
    AGENT_TRY(auto grant, tokens_.check(bearer_of(call.headers)));
    if (!grant) {
      auto answer = refusal(401, "unauthorized", "a valid token is needed: it is unknown, ended or revoked");
      answer.headers.emplace_back("WWW-Authenticate", "Bearer");
      return answer;
    }
    call.grant = *std::move(grant);
    if (const auto wait = limit_.take(call.grant.who())) {
      auto answer = refusal(429, "rate_limited", "this token makes too many requests");
      answer.headers.emplace_back("Retry-After",
                                  std::to_string(std::chrono::ceil<std::chrono::seconds>(*wait).count()));
      return answer;
    }
    // A workspace that a token does not reach looks like one that does not exist.
    if (match.workspace && !call.grant.reaches(*match.workspace)) {
      return refusal(404, "not_found", fmt::format("there is no workspace {}", match.workspace->slug()));
    }
    if (!call.grant.may(*match.route->level)) {
      return refusal(403, "forbidden",
                     fmt::format("this needs a token of level {}; '{}' has {}", name_of(*match.route->level),
                                 call.grant.token.name, name_of(call.grant.token.level)));
    }
  }
  if (!body.empty()) {
    auto json = io::parse_json(body, "body", {.bytes = options_.max_json_bytes, .depth = k_json_depth});
    if (!json) {
      return refusal(400, "malformed_json", json.error().message);
    }
    if (!json->is_object()) {
      return refusal(400, "invalid_request", "body: an object is expected");
    }
    call.body = *std::move(json);
  }
  return match.route->handle(context_, call);
}

std::string Service::base_of(const net::Request& request) const {
  return options_.public_url.empty()
             ? fmt::format("{}://{}", options_.is_tls ? "https" : "http", request.headers.get("Host"))
             : options_.public_url;
}

net::Decision Service::blob(const net::Request& request, net::Responder& respond) {
  const auto permission = urls_.check(request.path, request.query);
  if (!permission) {
    return refused(403, "signature", permission.error().message);
  }
  const bool is_get = request.method == "GET" || request.method == "HEAD";
  if (is_get && permission->access == Access::get) {
    return download(request, *permission, respond);
  }
  if (request.method == "PUT" && permission->access == Access::archive) {
    return take_archive(request, *permission);
  }
  if (request.method != "PUT" || permission->access != Access::put) {
    return refused(403, "signature", "this URL was made for another method");
  }
  if (request.content_length.value_or(permission->blob.size_bytes) != permission->blob.size_bytes) {
    return refused(400, "size_mismatch",
                   fmt::format("{} bytes were announced, {} come", permission->blob.size_bytes,
                               *request.content_length));
  }
  auto body = BlobBody::create(options_.spool, permission->blob);
  if (!body) {
    return response_of(answer_of(body.error()));
  }
  (*body)->then([this, permission = *permission](io::FileSlice bytes, net::Responder answer_to) {
    workers_.give([this, permission, bytes = std::move(bytes), answer_to = std::move(answer_to)]() mutable {
      const auto put = blobs_.put(permission.workspace, permission.blob.digest, bytes);
      if (!put) {
        answer_to(response_of(answer_of(put.error())));
        return;
      }
      net::Response done;
      done.headers.add("ETag", fmt::format("\"{}\"", permission.blob.digest.hex()));
      answer_to(std::move(done));
    });
  });
  return *std::move(body);
}

net::Decision Service::take_archive(const net::Request& request, const Permission& permission) {
  const auto part = parse_part(permission.part);
  if (!part || request.content_length.value_or(0) > permission.blob.size_bytes) {
    return refused(413, "too_large", fmt::format("an archive may have {} bytes", permission.blob.size_bytes));
  }
  auto body = AnyBody::create(options_.spool, permission.blob.size_bytes);
  if (!body) {
    return response_of(answer_of(body.error()));
  }
  (*body)->then([this, workspace = permission.workspace, part = *part](io::FileSlice bytes, Digest digest,
                                                                       net::Responder answer_to) {
    workers_.give([this, workspace, part, digest, bytes = std::move(bytes),
                   answer_to = std::move(answer_to)]() mutable {
      // Noted first: from then on it is referred to.
      const Blob blob{.digest = digest, .size_bytes = bytes.size};
      auto kept = note_part(tags_, workspace, part, blob);
      if (kept) {
        kept = blobs_.put(workspace, digest, bytes);
      }
      if (!kept) {
        answer_to(response_of(answer_of(kept.error())));
        return;
      }
      net::Response done;
      done.headers.add("ETag", fmt::format("\"{}\"", digest.hex()));
      answer_to(std::move(done));
    });
  });
  return *std::move(body);
}

net::Decision Service::download(const net::Request& request, const Permission& permission,
                                net::Responder& respond) {
  if (blobs_.opens_in_place()) {
    return send_blob(request, permission);
  }
  if (is_full()) {
    return too_busy();
  }
  workers_.give([this, request, permission, answer_to = std::move(respond)]() mutable {
    answer_to(send_blob(request, permission));
  });
  return net::Accepted{};
}

net::Response Service::send_blob(const net::Request& request, const Permission& permission) {
  const auto etag = fmt::format("\"{}\"", permission.blob.digest.hex());
  const auto condition = request.headers.get("If-Range");
  const auto asked = range_of(condition.empty() || condition == etag ? request.headers.get("Range") : "",
                              permission.blob.size_bytes);
  if (asked.kind == AskedRange::Kind::unsatisfiable) {
    auto response = refused(416, "range", "the range lies beyond the blob's end");
    response.headers.add("Content-Range", fmt::format("bytes */{}", permission.blob.size_bytes));
    return response;
  }
  auto bytes = blobs_.open(permission.workspace, permission.blob.digest, asked.range);
  if (!bytes) {
    return response_of(answer_of(bytes.error()));
  }
  if (!*bytes) {
    return refused(404, "not_found", "there is no such blob any more");
  }
  net::Response response;
  response.headers.add("Content-Type", "application/octet-stream");
  response.headers.add("Accept-Ranges", "bytes");
  response.headers.add("ETag", etag);
  if (asked.kind == AskedRange::Kind::part) {
    response.status = 206;
    response.headers.add("Content-Range",
                         fmt::format("bytes {}-{}/{}", asked.range.offset,
                                     asked.range.offset + asked.range.size - 1, permission.blob.size_bytes));
  }
  std::visit([&](auto& content) { response.body = std::move(content); }, **bytes);
  return response;
}

}  // namespace agent::server
