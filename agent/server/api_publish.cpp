// Entries come into being, and tags come to point at them. A tag moves only to what can be restored: every
// blob that was staged for the entry, and its manifest, are looked for in the storage first.
#include <algorithm>

#include "agent/core/text.hpp"
#include "agent/server/archives.hpp"
#include "agent/server/call.hpp"
#include "agent/server/garbage.hpp"
#include "agent/server/requests.hpp"

namespace agent::server {

namespace {

constexpr std::uint64_t k_renewed_after_ms = std::uint64_t{12} * 3600 * 1000;
constexpr std::string_view k_bootstrap = "0";  // the version of a tag that does not exist

Answer not_writable(const Call& call, std::string_view tag) {
  return refusal(403, "tag_not_writable",
                 fmt::format("token '{}' may not write the tag '{}'", call.grant.token.name, tag));
}

// What a conflict tells the loser: where the tag is now.
Answer moved(const TagRecord* current, std::string_view tag) {
  auto answer = refusal(412, "conflict", fmt::format("the tag '{}' was moved by another writer", tag));
  auto body = *answer.body.object();
  if (current != nullptr) {
    body["current_pointer"] = io::JsonObject{
        {"version", current->version}, {"cache_entry_id", current->entry}, {"tag", current->tag}};
  }
  answer.body = std::move(body);
  return answer;
}

// If-Match as clients send it: raw. Quotes are taken off, as RFC 9110 would have them.
std::string_view expected_version(const net::Headers& headers) {
  auto text = trimmed(headers.get("If-Match"));
  if (text.starts_with("W/")) {
    text.remove_prefix(2);
  }
  if (text.size() >= 2 && text.starts_with('"') && text.ends_with('"')) {
    text = text.substr(1, text.size() - 2);
  }
  return text;
}

io::Json published(const TagRecord& record, std::string_view requested) {
  return io::JsonObject{{"version", record.version},
                        {"status", "ready"},
                        {"cache_entry_id", record.entry},
                        {"requested_cache_entry_id", requested},
                        {"manifest_root_digest", record.root_digest()},
                        {"uploaded_at", time_text(record.published_ms)}};
}

struct Ready {
  std::optional<Blob> manifest;
  std::optional<Blob> archive;  // of entries that are archives
  std::vector<std::string> missing;
};

// Which of the blobs that were noted for an archive entry is the archive: what the client says of it decides
// where an upload was repeated with other bytes.
std::optional<Blob> archive_among(const std::vector<Blob>& noted, const PublishRequest& request) {
  std::optional<Blob> archive;
  for (const auto& blob : noted) {
    const bool is_manifest = request.manifest && request.manifest->digest == blob.digest;
    if (blob.digest.hex() == request.archive_etag) {
      return blob;
    }
    if (!is_manifest && (!request.archive_size || *request.archive_size == blob.size_bytes)) {
      archive = blob;
    }
  }
  return archive;
}

// Which of an entry's blobs the storage has.
Result<Ready> look_for_blobs(Context& context, const Call& call, const Entry& entry,
                             const PublishRequest& request) {
  Ready ready;
  auto manifest = request.manifest;
  const auto announced = parse_digest(entry.description.text("expected_manifest_digest"));
  if (!manifest) {
    const auto digest = parse_digest(entry.description.text("expected_manifest_digest"));
    const auto size = entry.description["expected_manifest_size"].count();
    manifest = digest && size ? std::optional(Blob{.digest = *digest, .size_bytes = *size}) : std::nullopt;
  }
  ready.manifest = manifest;
  std::vector<Blob> needed;
  if (entry.description["blob_count"].count().value_or(1) > 0) {
    AGENT_TRY(needed, context.tags.noted_blobs(call.workspace, entry.id));
  }
  if (entry.description.text("storage_mode") != "cas") {
    ready.archive = archive_among(needed, request);
    if (!ready.archive) {
      ready.missing.emplace_back("the archive");
    }
  }
  if (manifest) {
    needed.push_back(*manifest);
  }
  // What was announced long ago counts as announced now; after that nothing of it is removed (garbage.hpp).
  if (entry.created_ms + k_renewed_after_ms < milliseconds_of(context.clock.wall())) {
    AGENT_CHECK(context.tags.renew_notes(call.workspace, entry.id, needed));
  } else if (manifest && announced != manifest->digest) {
    AGENT_CHECK(context.tags.renew_notes(call.workspace, entry.id, {*manifest}));
  }
  AGENT_CHECK(may_refer(context.storage, call.workspace, needed));
  for (const auto& blob : needed) {
    AGENT_TRY(const bool there, context.blobs.has(call.workspace, blob));
    if (!there) {
      ready.missing.push_back(digest_text(blob.digest));
    }
  }
  return ready;
}

Answer incomplete(const Ready& ready) {
  constexpr std::size_t k_shown = 20;
  if (!ready.manifest) {
    return refusal(422, "manifest_unknown", "neither the entry nor this request name a manifest");
  }
  auto answer = refusal(422, "blobs_missing",
                        fmt::format("{} of the entry's blobs were not uploaded", ready.missing.size()));
  auto body = *answer.body.object();
  io::JsonArray details;
  for (std::size_t i = 0; i < std::min(k_shown, ready.missing.size()); ++i) {
    details.emplace_back(ready.missing[i]);
  }
  body["details"] = std::move(details);
  answer.body = std::move(body);
  return answer;
}

// Whether a writer who expects `expected` may move a tag that is at `current`.
bool matches(std::string_view expected, const TagRecord* current) {
  return current == nullptr ? expected == k_bootstrap : expected == current->version;
}

// The same publish once more, because its answer was lost: done already.
bool is_repeated(const TagRecord* current, std::string_view entry, std::string_view expected) {
  return current != nullptr && current->entry == entry &&
         current->previous == (expected == k_bootstrap ? std::string_view() : expected);
}

io::JsonObject created_json(const CreateRequest& request, std::string_view entry) {
  io::JsonObject body{{"tag", request.tag}, {"cache_entry_id", entry}};
  for (const auto* const key : {"storage_mode", "cas_layout", "blob_count", "manifest_root_digest"}) {
    if (!request.description[key].is_null()) {
      body[key] = request.description[key];
    }
  }
  return body;
}

Answer no_such_entry(std::string_view id) {
  return refusal(404, "not_found", fmt::format("there is no entry {}", id));
}

// `tag`: as it is signed.
TagRecord record_of(const Context& context, const Call& call, const Entry& entry, const Ready& ready,
                    std::string_view tag) {
  TagRecord wanted;
  wanted.entry = entry.id;
  wanted.description = entry.description;
  wanted.manifest = ready.manifest;
  if (ready.archive) {
    auto described = *entry.description.object();
    described["archive_digest"] = digest_text(ready.archive->digest);
    described["archive_size"] = ready.archive->size_bytes;
    wanted.description = std::move(described);
  }
  wanted.producer = call.grant.who();
  wanted.created_ms = entry.created_ms;
  wanted.signature = context.signer.sign(call.workspace, tag, wanted, milliseconds_of(context.clock.wall()));
  return wanted;
}

Result<Answer> publish(Context& context, const Call& call, const std::string& tag,
                       const PublishRequest& request) {
  if (!is_tag(tag)) {
    return refusal(400, "invalid_request", "the tag's name is not valid");
  }
  if (!call.grant.may_write(tag)) {
    return not_writable(call, tag);
  }
  if (!request.scope_tag.empty() && !call.grant.may_write(request.scope_tag)) {
    return not_writable(call, request.scope_tag);
  }
  const auto expected = expected_version(call.headers);
  const bool is_conditional = request.mode == PublishRequest::Mode::cas || !expected.empty();
  if (is_conditional && expected.empty()) {
    return refusal(400, "if_match_missing", "publishing with 'cas' needs If-Match");
  }
  AGENT_TRY(const auto entry, context.tags.find_entry(call.workspace, request.entry));
  if (!entry) {
    return no_such_entry(request.entry);
  }
  AGENT_TRY(const auto ready, look_for_blobs(context, call, *entry, request));
  if (!ready.manifest || !ready.missing.empty()) {
    return incomplete(ready);
  }
  std::optional<Answer> otherwise;
  const auto decide = [&](const TagRecord* current) -> Result<std::optional<TagRecord>> {
    otherwise.reset();
    if (is_conditional && is_repeated(current, entry->id, expected)) {
      otherwise = Answer{.body = published(*current, request.entry)};
      return std::nullopt;
    }
    if ((is_conditional && !matches(expected, current)) || (current != nullptr && is_written_once(tag))) {
      otherwise = moved(current, tag);
      return std::nullopt;
    }
    return std::optional(record_of(context, call, *entry, ready, tag));
  };
  AGENT_TRY(const auto record, context.tags.change(call.workspace, tag, decide));
  return record ? Answer{.body = published(*record, request.entry)} : *std::move(otherwise);
}

std::string archive_url(const Context& context, const Call& call, std::string_view entry, unsigned number) {
  return context.urls.make(call.base, {.access = Access::archive,
                                       .workspace = call.workspace,
                                       .blob = {.digest = {}, .size_bytes = k_largest_archive},
                                       .part = part_text({.entry = std::string(entry), .number = number})});
}

// Where to put the archive: in one piece, or in as many as there are URLs, if the client can.
void add_archive_urls(const Context& context, const Call& call, const CreateRequest& request,
                      io::JsonObject& body) {
  const auto entry = *body["cache_entry_id"].string();
  const auto& described = request.description;
  const auto bytes =
      described["compressed_size"].count().value_or(described["total_size_bytes"].count().value_or(0));
  const auto parts = described["use_multipart"].boolean().value_or(false) ? parts_of(bytes) : 1;
  if (parts == 1) {
    body["archive_upload_url"] = archive_url(context, call, entry, k_whole_part);
  } else {
    io::JsonArray urls;
    for (unsigned i = 1; i <= parts; ++i) {
      urls.emplace_back(archive_url(context, call, entry, i));
    }
    body["archive_part_urls"] = std::move(urls);
    body["upload_id"] = entry;
  }
  if (!request.manifest) {
    body["manifest_upload_url"] = archive_url(context, call, entry, k_manifest_part);
  }
}

}  // namespace

Result<Answer> create_entry(Context& context, const Call& call) {
  AGENT_TRY(const auto request, parse_create(call.body));
  if (!request.tag.empty() && !call.grant.may_write(request.tag)) {
    return not_writable(call, request.tag);
  }
  if (!request.tag.empty() && !request.is_forced) {
    AGENT_TRY(const auto current, context.tags.find(call.workspace, request.tag));
    if (current && current->root_digest() == request.description.text("manifest_root_digest")) {
      auto body = created_json(request, current->entry);
      body["exists"] = true;
      body["status"] = "ready";
      return Answer{.body = std::move(body)};
    }
  }
  Entry wanted;
  wanted.tag = request.tag;
  wanted.description = request.description;
  wanted.producer = call.grant.who();
  AGENT_TRY(const auto entry, context.tags.create_entry(call.workspace, std::move(wanted)));
  auto body = created_json(request, entry.id);
  body["exists"] = false;
  body["status"] = "pending";
  body["upload_session_id"] = entry.id;
  body["upload_state"] = "open";
  if (request.manifest) {
    AGENT_TRY(const bool there, context.blobs.has(call.workspace, *request.manifest));
    if (!there) {
      body["manifest_upload_url"] = context.url_of(call, Access::put, *request.manifest);
    }
  }
  if (!request.is_cas) {
    add_archive_urls(context, call, request, body);
  }
  return Answer{.status = 201, .body = std::move(body)};
}

Result<Answer> complete_multipart(Context& context, const Call& call) {
  AGENT_TRY(const auto parts, parse_completion(call.body));
  AGENT_TRY(const auto entry, context.tags.find_entry(call.workspace, call.name));
  if (!entry) {
    return refusal(404, "not_found", fmt::format("NoSuchUpload: there is no entry {}", call.name));
  }
  AGENT_TRY(const auto whole, complete_parts(context.tags, context.blobs, call.workspace, entry->id, parts));
  return Answer{.body =
                    io::JsonObject{{"archive_etag", whole.digest.hex()}, {"archive_size", whole.size_bytes}}};
}

Result<Answer> publish_tag(Context& context, const Call& call) {
  AGENT_TRY(const auto request, parse_publish(call.body));
  return publish(context, call, call.name, request);
}

// Makes an entry's tag point at it, under the same conditions as publish_tag: what clients ask of servers
// that do not publish by tag. An entry without a tag is found by its digest from now on.
Result<Answer> publish_entry(Context& context, const Call& call) {
  AGENT_TRY(const auto manifest, parse_finalize(call.body));
  AGENT_TRY(const auto entry, context.tags.find_entry(call.workspace, call.name));
  if (!entry) {
    return no_such_entry(call.name);
  }
  if (entry->tag.empty()) {
    return finalize_entry(context, call);
  }
  PublishRequest request;
  request.entry = entry->id;
  request.manifest = manifest;
  request.mode = entry->description.text("storage_mode") == "cas" ? PublishRequest::Mode::cas
                                                                  : PublishRequest::Mode::replace;
  return publish(context, call, entry->tag, request);
}

// An entry that no tag needs: whoever knows its root digest restores it. It is what the digest says, so that
// the last one with this digest is as good as the first.
Result<Answer> finalize_entry(Context& context, const Call& call) {
  AGENT_TRY(const auto manifest, parse_finalize(call.body));
  AGENT_TRY(const auto entry, context.tags.find_entry(call.workspace, call.name));
  if (!entry) {
    return no_such_entry(call.name);
  }
  if (!call.grant.token.write_tag_prefixes.empty()) {
    return refusal(
        403, "tag_not_writable",
        fmt::format("token '{}' writes some tags only, and this entry has none", call.grant.token.name));
  }
  PublishRequest request;
  request.manifest = manifest;
  AGENT_TRY(const auto ready, look_for_blobs(context, call, *entry, request));
  if (!ready.manifest || !ready.missing.empty()) {
    return incomplete(ready);
  }
  const auto root = entry->description.text("manifest_root_digest");
  AGENT_TRY(const auto record, context.tags.change_root(call.workspace, root, [&](const TagRecord*) {
    return Result<std::optional<TagRecord>>(record_of(context, call, *entry, ready, name_of_root(root)));
  }));
  return Answer{.body = published(*record, entry->id)};
}

Result<Answer> delete_tags(Context& context, const Call& call) {
  AGENT_TRY(const auto names, parse_tag_names(call.body));
  // What is written once belongs to everybody who refers to it, so a token for some tags does not remove it.
  const bool is_limited = !call.grant.token.write_tag_prefixes.empty();
  const auto refused = std::ranges::find_if(names, [&](const auto& name) {
    return !call.grant.may_write(name) || (is_limited && is_written_once(name));
  });
  if (refused != names.end()) {
    return not_writable(call, *refused);
  }
  io::JsonArray results;
  for (const auto& name : names) {
    bool removed = false;
    if (is_tag(name)) {
      AGENT_TRY(const bool tag, context.tags.remove(call.workspace, name));
      AGENT_TRY(const bool rows, context.rows.remove(call.workspace, name));
      removed = tag || rows;
    }
    results.emplace_back(io::JsonObject{{"tag", name}, {"status", removed ? "deleted" : "missing"}});
  }
  return Answer{.body = std::move(results)};
}

}  // namespace agent::server
