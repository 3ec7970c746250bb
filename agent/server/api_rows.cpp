// Key rows: which blob a key of a build tool stands for, tag by tag.
#include <algorithm>

#include "agent/net/http_syntax.hpp"
#include "agent/server/call.hpp"
#include "agent/server/garbage.hpp"
#include "agent/server/query.hpp"
#include "agent/server/requests.hpp"

namespace agent::server {

namespace {

constexpr std::uint64_t k_most_listed = 5'000;
constexpr std::size_t k_shown = 20;

io::Json row_json(const Row& row) {
  const auto written = time_text(row.written_ms);
  return io::JsonObject{
      {"namespace", row.name_space},
      {"scoped_key", row.key},
      {"blob", io::JsonObject{{"digest", digest_text(row.blob.digest)}, {"size_bytes", row.blob.size_bytes}}},
      {"last_written_at", written},
      {"updated_at", written}};
}

// A cursor is the last key, in hexadecimal: keys may be any text.
std::string cursor_of(std::string_view key) {
  return to_hex(reinterpret_cast<const std::uint8_t*>(key.data()), key.size());
}

std::optional<std::string> key_of_cursor(std::string_view cursor) {
  std::string key;
  for (std::size_t i = 0; i + 1 < cursor.size(); i += 2) {
    const auto high = net::hex_digit(cursor[i]);
    const auto low = net::hex_digit(cursor[i + 1]);
    if (!high || !low) {
      return std::nullopt;
    }
    key += static_cast<char>((*high << 4U) | *low);
  }
  return cursor.size() % 2 == 0 ? std::optional(std::move(key)) : std::nullopt;
}

// Which of the rows stand for nothing, or for something else than they say.
Result<io::JsonArray> missing_blobs(Context& context, const Call& call, const std::vector<RowRequest>& rows) {
  io::JsonArray missing;
  for (const auto& row : rows) {
    AGENT_TRY(const bool there, context.blobs.has(call.workspace, row.blob));
    if (!there && missing.size() < k_shown) {
      missing.emplace_back(digest_text(row.blob.digest));
    }
  }
  return missing;
}

}  // namespace

Result<Answer> list_rows(Context& context, const Call& call) {
  const auto tag = query_text(call.query, "tag");
  const auto cursor = key_of_cursor(query_text(call.query, "cursor"));
  if (!is_tag(tag) || !cursor) {
    return refusal(400, "invalid_request", "a tag is needed, and a cursor as it was given");
  }
  if (query_value(call.query, "summary") == "true") {
    AGENT_TRY(const auto summary, context.rows.summary(call.workspace, tag));
    return Answer{.body = io::JsonObject{{"entry_count", summary.rows}, {"total_size_bytes", summary.bytes}}};
  }
  AGENT_TRY(const auto view, context.rows.view(call.workspace, tag));
  if (cursor->empty()) {
    context.reports.used(call.workspace, tag, 1);
  }
  const auto limit = std::clamp<std::uint64_t>(
      net::parse_length(query_value(call.query, "limit")).value_or(k_most_listed), 1, k_most_listed);
  // Without a current version all rows are: clients take an empty answer for an empty tag.
  const bool only_current = query_value(call.query, "version") == "current" && view.current;
  RowMerge merge(only_current ? std::span(&view.current, 1) : std::span(view.segments), *cursor);
  io::JsonArray entries;
  auto row = merge.next();
  std::string last;
  for (; row && entries.size() < limit; row = merge.next()) {
    last = row->key;
    if (const auto now = only_current ? Rows::find(view, row->key) : row) {
      entries.push_back(row_json(*now));
    }
  }
  io::JsonObject body{{"entries", std::move(entries)}};
  if (row) {
    body["next_cursor"] = cursor_of(last);
  }
  return Answer{.body = std::move(body)};
}

Result<Answer> mark_current_rows(Context& context, const Call& call) {
  AGENT_TRY(const auto request, parse_current_version(call.body));
  if (!call.grant.may_write(request.tag)) {
    return refusal(403, "tag_not_writable",
                   fmt::format("token '{}' may not write the tag '{}'", call.grant.token.name, request.tag));
  }
  AGENT_TRY(const auto marked, context.rows.mark_current(call.workspace, request.tag, request.keys));
  io::JsonArray missing;
  for (const auto index : marked.missing) {
    if (missing.size() < k_shown) {
      missing.emplace_back(io::JsonObject{{"scoped_key", request.keys[index]}});
    }
  }
  const std::uint64_t requested = request.keys.size();
  const std::uint64_t absent = marked.missing.size();
  io::JsonObject body{{"requested_count", requested},
                      {"marked_count", requested - absent},
                      {"missing_count", absent},
                      {"missing", std::move(missing)}};
  if (!marked.version.empty()) {
    body["current_kv_version"] = marked.version;
  }
  return Answer{.body = std::move(body)};
}

Result<Answer> upsert_rows(Context& context, const Call& call) {
  AGENT_TRY(const auto request, parse_row_upsert(call.body));
  for (const auto& tag : request.tags) {
    if (!call.grant.may_write(tag)) {
      return refusal(403, "tag_not_writable",
                     fmt::format("token '{}' may not write the tag '{}'", call.grant.token.name, tag));
    }
  }
  std::vector<Row> rows;
  std::vector<Blob> blobs;
  for (const auto& row : request.rows) {
    rows.push_back({.name_space = row.name_space,
                    .key = row.key,
                    .blob = row.blob,
                    .written_ms = milliseconds_of(context.clock.wall())});
    blobs.push_back(row.blob);
  }
  // Written first, looked for then: so nothing that is there goes before the rows are (garbage.hpp).
  std::vector<Rows::Listed> prepared;
  for (std::size_t i = 0; i < request.tags.size() && !rows.empty(); ++i) {
    AGENT_TRY(auto listed, context.rows.prepare(call.workspace, rows));
    prepared.push_back(std::move(listed));
  }
  AGENT_CHECK(may_refer(context.storage, call.workspace, blobs));
  AGENT_TRY(auto missing, missing_blobs(context, call, request.rows));
  if (!missing.empty()) {
    auto answer = refusal(422, "blobs_missing", "blobs were not uploaded, or have another size");
    auto body = *answer.body.object();
    body["details"] = std::move(missing);
    answer.body = std::move(body);
    return answer;
  }
  for (std::size_t i = 0; i < prepared.size(); ++i) {
    AGENT_CHECK(context.rows.upsert(call.workspace, request.tags[i], prepared[i]));
  }
  io::JsonArray entries;
  for (const auto& row : rows) {
    entries.push_back(row_json(row));
  }
  return Answer{.body = io::JsonObject{{"entries", std::move(entries)}}};
}

}  // namespace agent::server
