// What clients report about their uploads and their sessions.
#include "agent/net/http_syntax.hpp"
#include "agent/server/call.hpp"
#include "agent/server/requests.hpp"

namespace agent::server {

namespace {

constexpr std::size_t k_most_receipts = 500;
constexpr std::size_t k_rollup_bytes = std::size_t{512} * 1024;

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
  std::vector<Blob> named;  // what the manifest needs, as far as the client says
  const auto* const digests = call.body["blob_digests"].array();
  for (const auto& item : digests != nullptr ? *digests : io::JsonArray()) {
    const auto digest = item.is_string() ? parse_digest(*item.string()) : std::nullopt;
    if (digest && named.size() < k_most_checked_blobs) {
      named.push_back({.digest = *digest, .size_bytes = 0});
    }
  }
  if (!named.empty()) {
    AGENT_CHECK(context.tags.note_blobs(call.workspace, {}, named));
  }
  AGENT_TRY(const bool there, context.blobs.has(call.workspace, manifest));
  return there ? committed(call, "committed") : not_uploaded(manifest.digest);
}

Result<Answer> add_rollups(Context& context, const Call& call) {
  if (net::parse_length(call.headers.get("Content-Length")).value_or(0) > k_rollup_bytes) {
    return refusal(413, "too_large", fmt::format("at most {} bytes at once", k_rollup_bytes));
  }
  AGENT_TRY(const auto parsed, parse_report(call.body, {.producer = call.grant.who(),
                                                        .now_ms = milliseconds_of(context.clock.wall())}));
  if (parsed.records > 0) {
    AGENT_CHECK(context.reports.add(call.workspace, parsed.report));
  }
  return Answer{.body = io::JsonObject{{"accepted", std::uint64_t{parsed.records}}}};
}

}  // namespace agent::server
