#include "agent/server/records.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace agent::server {

namespace {

constexpr std::uint64_t k_format = 1;
constexpr std::size_t k_most_bytes = std::size_t{256} * 1024;
constexpr int k_depth = 8;
constexpr std::array<std::pair<Level, std::string_view>, 3> k_levels = {
    {{Level::restore, "restore"}, {Level::save, "save"}, {Level::admin, "admin"}}};

Result<io::Json> parse(std::string_view text, std::string_view what) {
  auto json = io::parse_json(text, what, {.bytes = k_most_bytes, .depth = k_depth});
  if (!json) {
    return fail(Errc::corrupt, "{}", json.error().message);
  }
  const auto format = (*json)["format"].count();
  if (!format) {
    return fail(Errc::corrupt, "{}: it has no format", what);
  }
  if (*format != k_format) {
    return fail(Errc::unsupported, "{}: format {} is not known", what, *format);
  }
  return json;
}

std::uint64_t count_in(const io::Json& json, std::string_view key) {
  return json[key].count().value_or(0);
}

}  // namespace

std::string_view name_of(Level level) {
  return k_levels.at(static_cast<std::size_t>(level)).second;
}

std::optional<Level> level_of(std::string_view text) {
  const auto* const found = std::ranges::find(k_levels, text, &std::pair<Level, std::string_view>::second);
  return found != k_levels.end() ? std::optional(found->first) : std::nullopt;
}

std::uint64_t TagRecord::stored_bytes() const {
  const auto blobs = count_in(description, "blob_total_size_bytes");
  const auto stored = blobs > 0 ? blobs : count_in(description, "total_size_bytes");
  return stored > 0 || !manifest ? stored : manifest->size_bytes;
}

std::string encode(const Entry& entry) {
  return io::Json(io::JsonObject{{"format", k_format},
                                 {"id", entry.id},
                                 {"tag", entry.tag},
                                 {"description", entry.description},
                                 {"producer", entry.producer},
                                 {"created_ms", entry.created_ms}})
             .dump() +
         "\n";
}

Result<Entry> parse_entry(std::string_view text) {
  AGENT_TRY(const auto json, parse(text, "entry"));
  Entry entry{.id = json.text("id"),
              .tag = json.text("tag"),
              .description = json["description"],
              .producer = json.text("producer"),
              .created_ms = count_in(json, "created_ms")};
  if (!is_id(entry.id, 'e') || !entry.description.is_object()) {
    return fail(Errc::corrupt, "entry: it has no id or description");
  }
  return entry;
}

std::string encode(const TagRecord& record) {
  io::JsonObject json{
      {"format", k_format},        {"tag", record.tag},           {"generation", record.generation},
      {"version", record.version}, {"previous", record.previous}, {"deleted", record.is_deleted}};
  if (!record.is_deleted) {
    json["entry"] = record.entry;
    json["description"] = record.description;
    json["producer"] = record.producer;
    json["created_ms"] = record.created_ms;
  }
  json["published_ms"] = record.published_ms;
  if (record.manifest) {
    json["manifest"] = io::JsonObject{{"digest", digest_text(record.manifest->digest)},
                                      {"size_bytes", record.manifest->size_bytes}};
  }
  if (const auto& by = record.signature; by && !record.is_deleted) {
    json["signature"] = io::JsonObject{{"key", by->key},
                                       {"payload", by->payload},
                                       {"signature", by->signature},
                                       {"legacy", by->legacy},
                                       {"signed_at", by->signed_at}};
  }
  return io::Json(std::move(json)).dump() + "\n";
}

Result<TagRecord> parse_tag_record(std::string_view text) {
  AGENT_TRY(const auto json, parse(text, "tag"));
  TagRecord record{.tag = json.text("tag"),
                   .generation = count_in(json, "generation"),
                   .version = json.text("version"),
                   .previous = json.text("previous"),
                   .is_deleted = json["deleted"].boolean().value_or(false),
                   .entry = json.text("entry"),
                   .description = json["description"],
                   .manifest = {},
                   .producer = json.text("producer"),
                   .created_ms = count_in(json, "created_ms"),
                   .published_ms = count_in(json, "published_ms")};
  if (!is_tag(record.tag) || record.version.empty() ||
      (!record.is_deleted && (!is_id(record.entry, 'e') || !record.description.is_object()))) {
    return fail(Errc::corrupt, "tag: name, version or entry are missing");
  }
  if (const auto& manifest = json["manifest"]; !manifest.is_null()) {
    const auto digest = parse_digest(manifest.text("digest"));
    const auto size = manifest["size_bytes"].count();
    if (!digest || !size) {
      return fail(Errc::corrupt, "tag {}: its manifest has no digest or size", record.tag);
    }
    record.manifest = Blob{.digest = *digest, .size_bytes = *size};
  }
  if (const auto& by = json["signature"]; by.is_object()) {
    record.signature = backends::EntrySignature{.key = by.text("key"),
                                                .payload = by.text("payload"),
                                                .signature = by.text("signature"),
                                                .legacy = by.text("legacy"),
                                                .signed_at = by.text("signed_at")};
  }
  return record;
}

std::string encode(const Token& token) {
  io::JsonArray prefixes;
  for (const auto& prefix : token.write_tag_prefixes) {
    prefixes.emplace_back(prefix);
  }
  return io::Json(io::JsonObject{{"format", k_format},
                                 {"id", token.id},
                                 {"name", token.name},
                                 {"workspace", token.workspace},
                                 {"level", name_of(token.level)},
                                 {"write_tag_prefixes", std::move(prefixes)},
                                 {"secret_sha256", token.secret_sha256},
                                 {"created_ms", token.created_ms},
                                 {"expires_ms", token.expires_ms},
                                 {"revoked", token.is_revoked}})
             .dump() +
         "\n";
}

Result<Token> parse_token(std::string_view text) {
  AGENT_TRY(const auto json, parse(text, "token"));
  const auto level = level_of(json.text("level"));
  Token token{.id = json.text("id"),
              .name = json.text("name"),
              .workspace = json.text("workspace"),
              .level = level.value_or(Level::restore),
              .write_tag_prefixes = {},
              .secret_sha256 = json.text("secret_sha256"),
              .created_ms = count_in(json, "created_ms"),
              .expires_ms = json["expires_ms"].count(),
              .is_revoked = json["revoked"].boolean().value_or(false)};
  // What cannot be read may not become a permission: every member is checked.
  if (!is_id(token.id, 't') || !level || !parse_workspace(token.workspace) ||
      !Digest::from_hex(token.secret_sha256) || !json["revoked"].boolean() ||
      (!json["expires_ms"].is_null() && !token.expires_ms) || !json["write_tag_prefixes"].is_array()) {
    return fail(Errc::corrupt, "token: it has no id, level, workspace, digest, end or prefixes");
  }
  for (const auto& prefix : *json["write_tag_prefixes"].array()) {
    if (!prefix.is_string() || prefix.string()->empty()) {
      return fail(Errc::corrupt, "token {}: a prefix is no text", token.id);
    }
    token.write_tag_prefixes.push_back(*prefix.string());
  }
  return token;
}

}  // namespace agent::server
