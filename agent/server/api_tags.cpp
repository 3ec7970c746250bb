// Reading what tags point at.
#include <algorithm>

#include "agent/core/text.hpp"
#include "agent/net/http_syntax.hpp"
#include "agent/server/call.hpp"
#include "agent/server/query.hpp"
#include "agent/server/requests.hpp"

namespace agent::server {

namespace {

constexpr std::size_t k_most_restored = 200;

std::string etag_of(const TagRecord& record) {
  return fmt::format("\"p-{}\"", record.version);
}

bool etag_listed(std::string_view header, std::string_view etag) {
  return std::ranges::any_of(split(header, ','), [&](auto item) {
    auto known = trimmed(item);
    if (known.starts_with("W/")) {
      known.remove_prefix(2);
    }
    return known == etag || known == "*";
  });
}

io::JsonObject hit_json(const Context& context, const Call& call, const TagRecord& record) {
  const auto& described = record.description;
  io::JsonObject hit{{"tag", record.tag},
                     {"status", "hit"},
                     {"primary_tag", record.tag},
                     {"cache_entry_id", record.entry},
                     {"compression_algorithm", described.text("compression_algorithm", "zstd")}};
  for (const auto* const key : {"manifest_root_digest", "storage_mode", "cas_layout", "blob_count",
                                "blob_total_size_bytes", "encrypted"}) {
    if (!described[key].is_null()) {
      hit[key] = described[key];
    }
  }
  if (record.manifest) {
    hit["manifest_digest"] = digest_text(record.manifest->digest);
    hit["manifest_size"] = record.manifest->size_bytes;
    hit["manifest_url"] = context.url_of(call, Access::get, *record.manifest);
  }
  if (const auto archive = parse_digest(described.text("archive_digest"))) {
    const Blob blob{.digest = *archive, .size_bytes = described["archive_size"].count().value_or(0)};
    hit["archive_urls"] = io::JsonArray{context.url_of(call, Access::get, blob)};
  }
  if (record.signature) {
    hit["signature_tag"] = record.tag;
    backends::add_signature(*record.signature, hit);
  }
  io::JsonObject metadata;
  for (const auto* const key : {"total_size_bytes", "uncompressed_size", "compressed_size", "file_count"}) {
    if (!described[key].is_null()) {
      metadata[key] = described[key];
    }
  }
  hit["metadata"] = std::move(metadata);
  return hit;
}

Result<Answer> restore(Context& context, const Call& call) {
  const auto names = query_text(call.query, "entries");
  const auto tags = split(names, ',');
  if (tags.size() > k_most_restored) {
    return refusal(400, "invalid_request", fmt::format("entries: at most {} at once", k_most_restored));
  }
  io::JsonArray results;
  for (const auto tag : tags) {
    std::optional<TagRecord> record;
    if (is_tag(tag)) {
      AGENT_TRY(record, context.tags.find(call.workspace, tag));
    }
    if (record && !is_written_once(tag)) {
      context.reports.used(call.workspace, tag, 1);
    }
    results.emplace_back(record ? io::Json(hit_json(context, call, *record))
                                : io::Json(io::JsonObject{{"tag", tag}, {"status", "miss"}}));
  }
  return Answer{.body = std::move(results)};
}

Result<Answer> restore_by_digest(Context& context, const Call& call) {
  const auto root = query_text(call.query, "manifest_root_digest");
  AGENT_TRY(auto record, context.tags.find_root(call.workspace, root));
  io::JsonArray results;
  if (record) {
    context.reports.used(call.workspace, record->tag, 1);
    auto hit = hit_json(context, call, *record);
    hit["tag"] = "";
    hit["primary_tag"] = "";
    results.emplace_back(std::move(hit));
  } else {
    results.emplace_back(io::JsonObject{{"tag", ""}, {"status", "miss"}, {"manifest_root_digest", root}});
  }
  return Answer{.body = std::move(results)};
}

struct Page {
  std::size_t limit = 0;
  std::size_t offset = 0;
};

Page page_of(std::string_view query, std::size_t otherwise) {
  constexpr std::uint64_t k_most = 1000;
  const auto limit = net::parse_length(query_value(query, "limit")).value_or(otherwise);
  return {.limit = static_cast<std::size_t>(std::clamp<std::uint64_t>(limit, 1, k_most)),
          .offset = static_cast<std::size_t>(net::parse_length(query_value(query, "offset")).value_or(0))};
}

// The page's part of `all`.
std::span<const TagRecord> part_of(const std::vector<TagRecord>& all, Page page) {
  const auto begin = std::min(page.offset, all.size());
  return std::span(all).subspan(begin, std::min(page.limit, all.size() - begin));
}

Result<Answer> list_entries(Context& context, const Call& call) {
  AGENT_TRY(const auto all, context.tags.list(call.workspace, {}));
  auto page = page_of(call.query, 50);
  const auto number =
      std::clamp<std::uint64_t>(net::parse_length(query_value(call.query, "page")).value_or(1), 1, 1U << 30U);
  page.offset = (static_cast<std::size_t>(number) - 1) * page.limit;
  io::JsonArray entries;
  for (const auto& record : part_of(all, page)) {
    entries.emplace_back(io::JsonObject{{"id", record.entry},
                                        {"tag", record.tag},
                                        {"manifest_root_digest", record.root_digest()},
                                        {"total_size_bytes", record.stored_bytes()},
                                        {"compression_algorithm", "zstd"},
                                        {"created_at", time_text(record.created_ms)},
                                        {"uploaded_at", time_text(record.published_ms)}});
  }
  return Answer{
      .body = io::JsonObject{
          {"entries", std::move(entries)}, {"total", all.size()}, {"page", number}, {"limit", page.limit}}};
}

}  // namespace

Result<Answer> tag_pointer(Context& context, const Call& call) {
  std::optional<TagRecord> record;
  if (is_tag(call.name)) {
    AGENT_TRY(record, context.tags.find(call.workspace, call.name));
  }
  if (!record) {
    return refusal(404, "not_found", fmt::format("there is no tag '{}'", call.name));
  }
  if (!is_written_once(call.name)) {
    context.reports.used(call.workspace, call.name, 0);
  }
  Answer answer;
  const auto etag = etag_of(*record);
  answer.headers.emplace_back("ETag", etag);
  if (etag_listed(call.headers.get("If-None-Match"), etag)) {
    answer.status = 304;
    return answer;
  }
  io::JsonObject body{{"tag", record->tag},
                      {"version", record->version},
                      {"cache_entry_id", record->entry},
                      {"manifest_root_digest", record->root_digest()},
                      {"status", "ready"}};
  if (record->manifest) {  // spares those who know it a request
    body["manifest_url"] = context.url_of(call, Access::get, *record->manifest);
    body["manifest_size"] = record->manifest->size_bytes;
  }
  if (record->signature && query_value(call.query, "require_signed") == "1") {
    backends::add_signature(*record->signature, body);
  }
  answer.body = std::move(body);
  return answer;
}

// One path, three calls: with `entries` or a digest it restores, without either it lists.
Result<Answer> restore_or_list(Context& context, const Call& call) {
  if (has_query(call.query, "manifest_root_digest")) {
    return restore_by_digest(context, call);
  }
  return has_query(call.query, "entries") ? restore(context, call) : list_entries(context, call);
}

Result<Answer> check_entries(Context& context, const Call& call) {
  AGENT_TRY(const auto checks, parse_checks(call.body));
  io::JsonArray results;
  for (const auto& check : checks) {
    std::optional<TagRecord> record;
    if (is_tag(check.tag)) {
      AGENT_TRY(record, context.tags.find(call.workspace, check.tag));
    }
    if (check.by_digest && (!record || record->root_digest() != check.root_digest)) {
      AGENT_TRY(record, context.tags.find_root(call.workspace, check.root_digest));
    }
    io::JsonObject result{{"tag", check.tag}, {"exists", record.has_value()}};
    if (record) {
      result["status"] = "ready";
      result["cache_entry_id"] = record->entry;
      result["manifest_root_digest"] = record->root_digest();
      result["size"] = record->stored_bytes();
    }
    results.emplace_back(std::move(result));
  }
  return Answer{.body = io::JsonObject{{"results", std::move(results)}}};
}

Result<Answer> list_tags(Context& context, const Call& call) {
  const auto filter = query_text(call.query, "filter");
  AGENT_TRY(const auto all, context.tags.list(call.workspace, filter));
  const auto page = page_of(call.query, 100);
  io::JsonArray tags;
  for (const auto& record : part_of(all, page)) {
    tags.emplace_back(io::JsonObject{{"name", record.tag},
                                     {"primary", true},
                                     {"system", is_written_once(record.tag)},
                                     {"primary_tag", record.tag},
                                     {"cache_entry_id", record.entry},
                                     {"manifest_root_digest", record.root_digest()},
                                     {"storage_mode", record.description.text("storage_mode", "archive")},
                                     {"stored_size_bytes", record.stored_bytes()},
                                     {"hit_count", 0},
                                     {"uploaded_at", time_text(record.published_ms)}});
  }
  const auto returned = tags.size();
  return Answer{
      .body = io::JsonObject{
          {"workspace", io::JsonObject{{"name", call.workspace.name}, {"slug", call.workspace.slug()}}},
          {"filter", io::JsonObject{{"query", filter}, {"include_system", true}}},
          {"pagination", io::JsonObject{{"limit", page.limit},
                                        {"offset", page.offset},
                                        {"total", all.size()},
                                        {"returned", returned},
                                        {"has_more", page.offset + returned < all.size()}}},
          {"tags", std::move(tags)}}};
}

Result<Answer> inspect(Context& context, const Call& call) {
  std::optional<TagRecord> record;
  if (is_tag(call.name)) {
    AGENT_TRY(record, context.tags.find(call.workspace, call.name));
  }
  if (!record) {
    return refusal(404, "not_found", fmt::format("there is no tag '{}'", call.name));
  }
  const auto& described = record->description;
  return Answer{
      .body = io::JsonObject{
          {"workspace", io::JsonObject{{"name", call.workspace.name}, {"slug", call.workspace.slug()}}},
          {"identifier", io::JsonObject{{"query", call.name}, {"matched_by", "tag"}}},
          {"entry", io::JsonObject{{"id", record->entry},
                                   {"status", "ready"},
                                   {"manifest_root_digest", record->root_digest()},
                                   {"storage_mode", described.text("storage_mode", "archive")},
                                   {"stored_size_bytes", record->stored_bytes()},
                                   {"hit_count", 0},
                                   {"created_at", time_text(record->created_ms)},
                                   {"uploaded_at", time_text(record->published_ms)},
                                   {"producer", record->producer}}},
          {"tags", io::JsonArray{io::JsonObject{{"name", record->tag}, {"primary", true}}}}}};
}

}  // namespace agent::server
