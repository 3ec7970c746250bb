// What clients report about their uploads and their sessions.
#include <algorithm>

#include "agent/io/random.hpp"
#include "agent/net/http_syntax.hpp"
#include "agent/server/call.hpp"
#include "agent/server/query.hpp"
#include "agent/server/requests.hpp"

namespace agent::server {

namespace {

constexpr std::size_t k_most_receipts = 500;
constexpr std::size_t k_most_rollups = 500;
constexpr std::size_t k_most_missed = 500;
constexpr std::size_t k_most_sessions = 80;
constexpr std::size_t k_most_records = 800;
constexpr std::size_t k_rollup_bytes = std::size_t{512} * 1024;
constexpr std::uint64_t k_most_listed = 200;

Answer no_such_upload(const Call& call) {
  return refusal(404, "not_found", fmt::format("there is no upload session {}", call.name));
}

Answer committed(const Call& call, std::string_view state) {
  return {.body = io::JsonObject{
              {"upload_session_id", call.name}, {"cache_entry_id", call.name}, {"state", state}}};
}

Answer not_uploaded(const Digest& digest) {
  return refusal(422, "blobs_missing", fmt::format("{} was not uploaded", digest_text(digest)));
}

// "sessions/OWNER/NAME/": the reports of a workspace, named by their time, so that the newest sort last.
std::string sessions_prefix(const Workspace& workspace) {
  return fmt::format("sessions/{}/", workspace.slug());
}

// An array that may be missing. Errors: invalid (another type, or too many).
Result<std::size_t> count_of(const io::Json& body, std::string_view key, std::size_t most) {
  const auto& value = body[key];
  const auto* const array = value.array();
  if ((array == nullptr && !value.is_null()) || (array != nullptr && array->size() > most)) {
    return fail(Errc::invalid, "{}: an array of at most {} is expected", key, most);
  }
  return array != nullptr ? array->size() : 0;
}

}  // namespace

// An upload session is its entry: the server needs to know no more about it.
Result<Answer> commit_blobs(Context& context, const Call& call) {
  AGENT_TRY(const auto receipts, parse_receipts(call.body, k_most_receipts));
  AGENT_TRY(const auto entry, context.tags.find_entry(call.workspace, call.name));
  if (!entry) {
    return no_such_upload(call);
  }
  for (const auto& digest : receipts) {
    AGENT_TRY(const auto size, context.blobs.size_of(call.workspace, digest));
    if (!size) {
      return not_uploaded(digest);
    }
  }
  return committed(call, "open");
}

Result<Answer> commit_manifest(Context& context, const Call& call) {
  AGENT_TRY(const auto manifest, parse_manifest(call.body));
  AGENT_TRY(const auto entry, context.tags.find_entry(call.workspace, call.name));
  if (!entry) {
    return no_such_upload(call);
  }
  AGENT_TRY(const bool there, context.blobs.has(call.workspace, manifest));
  return there ? committed(call, "committed") : not_uploaded(manifest.digest);
}

// Sessions are kept; what else is reported is accepted, so that clients go on, and let go.
Result<Answer> add_rollups(Context& context, const Call& call) {
  if (net::parse_length(call.headers.get("Content-Length")).value_or(0) > k_rollup_bytes) {
    return refusal(413, "too_large", fmt::format("at most {} bytes at once", k_rollup_bytes));
  }
  AGENT_TRY(const auto rollups, count_of(call.body, "rollups", k_most_rollups));
  AGENT_TRY(const auto missed, count_of(call.body, "missed_keys", k_most_missed));
  AGENT_TRY(const auto sessions, count_of(call.body, "sessions", k_most_sessions));
  const auto records = rollups + missed + sessions;
  if (records > k_most_records) {
    return refusal(400, "invalid_request", fmt::format("at most {} records at once", k_most_records));
  }
  if (sessions > 0) {
    const auto now = milliseconds_of(context.clock.wall());
    const io::Json kept(io::JsonObject{{"format", 1},
                                       {"received_ms", now},
                                       {"producer", call.grant.who()},
                                       {"sessions", call.body["sessions"]}});
    const auto text = kept.dump() + "\n";
    AGENT_CHECK(context.storage.put_if_absent(
        fmt::format("{}{:013}-{}", sessions_prefix(call.workspace), now, io::random_mark()),
        std::string_view(text)));
  }
  return Answer{.body = io::JsonObject{{"accepted", std::uint64_t{records}}}};
}

// The newest first.
Result<Answer> list_sessions(Context& context, const Call& call) {
  const auto limit = std::clamp<std::uint64_t>(
      net::parse_length(query_value(call.query, "limit")).value_or(50), 1, k_most_listed);
  AGENT_TRY(auto objects, context.storage.list(sessions_prefix(call.workspace)));
  std::ranges::sort(objects, std::greater(), &backends::ObjectInfo::name);
  io::JsonArray listed;
  for (const auto& object : objects) {
    if (listed.size() >= limit) {
      break;
    }
    AGENT_TRY(const auto kept, context.storage.get(object.name, {.offset = 0, .size = object.size}));
    const auto json =
        io::parse_json(kept.value_or("{}"), "sessions", {.bytes = k_rollup_bytes * 2, .depth = 16});
    const auto* const sessions = json ? (*json)["sessions"].array() : nullptr;
    for (const auto& session : sessions != nullptr ? *sessions : io::JsonArray()) {
      if (listed.size() < limit) {
        listed.push_back(session);
      }
    }
  }
  const auto returned = std::uint64_t{listed.size()};
  return Answer{
      .body = io::JsonObject{
          {"workspace", io::JsonObject{{"name", call.workspace.name}, {"slug", call.workspace.slug()}}},
          {"sessions", std::move(listed)},
          {"pagination", io::JsonObject{{"limit", limit}, {"offset", 0}, {"returned", returned}}}}};
}

}  // namespace agent::server
