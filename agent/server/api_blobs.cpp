// Blobs: what is there, where to put what is not, where to get it.
#include "agent/server/call.hpp"
#include "agent/server/garbage.hpp"
#include "agent/server/requests.hpp"

namespace agent::server {

Result<Answer> stage_blobs(Context& context, const Call& call) {
  AGENT_TRY(const auto blobs, parse_blobs(call.body, k_most_staged_blobs, Sizes::needed));
  const auto entry = call.body.text("cache_entry_id");
  if (!entry.empty()) {
    AGENT_TRY(const auto known, context.tags.find_entry(call.workspace, entry));
    if (!known) {
      return refusal(404, "not_found", fmt::format("there is no entry {}", entry));
    }
  }
  AGENT_CHECK(context.tags.note_blobs(call.workspace, entry, blobs));
  AGENT_CHECK(may_refer(context.storage, call.workspace, blobs));
  io::JsonArray urls;
  io::JsonArray present;
  for (const auto& blob : blobs) {
    AGENT_TRY(const auto size, context.blobs.size_of(call.workspace, blob.digest));
    if (!size) {
      urls.emplace_back(io::JsonObject{{"digest", digest_text(blob.digest)},
                                       {"url", context.url_of(call, Access::put, blob)},
                                       {"headers", io::JsonObject()}});
    } else if (*size != blob.size_bytes) {
      return refusal(
          400, "size_mismatch",
          fmt::format("{} has {} bytes, not {}", digest_text(blob.digest), *size, blob.size_bytes));
    } else {
      present.emplace_back(digest_text(blob.digest));
    }
  }
  io::JsonObject body{{"upload_urls", std::move(urls)}, {"already_present", std::move(present)}};
  if (!entry.empty()) {
    body["upload_session_id"] = entry;
    body["upload_state"] = "open";
  }
  return Answer{.body = std::move(body)};
}

Result<Answer> check_blobs(Context& context, const Call& call) {
  AGENT_TRY(const auto blobs, parse_blobs(call.body, k_most_checked_blobs, Sizes::optional));
  // Whoever may write relies on the answer: he does not upload what is there.
  if (call.grant.may(Level::save)) {
    AGENT_CHECK(context.tags.note_blobs(call.workspace, {}, blobs));
    const auto may = may_refer(context.storage, call.workspace, blobs);
    if (!may && may.error().code != Errc::full) {
      return std::unexpected(may.error());
    }
  }
  io::JsonArray results;
  for (const auto& blob : blobs) {
    AGENT_TRY(const auto size, context.blobs.size_of(call.workspace, blob.digest));
    results.emplace_back(io::JsonObject{{"digest", digest_text(blob.digest)}, {"exists", size.has_value()}});
  }
  return Answer{.body = io::JsonObject{{"results", std::move(results)}}};
}

Result<Answer> blob_urls(Context& context, const Call& call) {
  AGENT_TRY(const auto blobs, parse_blobs(call.body, k_most_url_blobs, Sizes::optional));
  io::JsonArray urls;
  io::JsonArray missing;
  for (const auto& blob : blobs) {
    AGENT_TRY(const auto size, context.blobs.size_of(call.workspace, blob.digest));
    if (!size) {
      missing.emplace_back(digest_text(blob.digest));
      continue;
    }
    const Blob there{.digest = blob.digest, .size_bytes = *size};
    urls.emplace_back(io::JsonObject{{"digest", digest_text(blob.digest)},
                                     {"url", context.url_of(call, Access::get, there)}});
  }
  return Answer{.body = io::JsonObject{{"download_urls", std::move(urls)}, {"missing", std::move(missing)}}};
}

}  // namespace agent::server
