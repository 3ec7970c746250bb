#include "agent/server/requests.hpp"

#include <algorithm>
#include <array>

#include "agent/server/row_segment.hpp"

namespace agent::server {

namespace {

constexpr std::size_t k_longest_text = 1024;
constexpr std::size_t k_most_checks = 1'000;
constexpr std::size_t k_most_names = 1'000;
constexpr std::size_t k_most_prefixes = 64;
constexpr std::size_t k_most_tags = 32;
constexpr std::uint64_t k_largest_blob = std::uint64_t{4} << 30U;

constexpr std::array<std::string_view, 11> k_texts = {"manifest_root_digest",
                                                      "compression_algorithm",
                                                      "storage_mode",
                                                      "cas_layout",
                                                      "expected_manifest_digest",
                                                      "write_scope_tag",
                                                      "encryption_algorithm",
                                                      "encryption_recipient_hint",
                                                      "ci_provider",
                                                      "ci_ref_type",
                                                      "ci_ref_name"};
constexpr std::array<std::string_view, 8> k_counts = {
    "total_size_bytes",  "blob_count",      "blob_total_size_bytes",  "file_count",
    "uncompressed_size", "compressed_size", "expected_manifest_size", "manifest_format_version"};
constexpr std::array<std::string_view, 3> k_truths = {"encrypted", "force", "use_multipart"};
constexpr std::array<std::string_view, 6> k_either = {"ci_run_uid",    "ci_run_attempt",
                                                      "ci_pr_number",  "ci_default_branch",
                                                      "ci_commit_sha", "ci_run_started_at"};

// A text that may be missing.
Result<std::string> text_in(const io::Json& json, std::string_view key) {
  const auto& value = json[key];
  if (value.is_null()) {
    return std::string();
  }
  if (!value.is_string() || value.string()->size() > k_longest_text || value.string()->contains('\0')) {
    return fail(Errc::invalid, "{}: a text of at most {} bytes is expected", key, k_longest_text);
  }
  return *value.string();
}

Result<std::string> needed_text(const io::Json& json, std::string_view key) {
  AGENT_TRY(auto text, text_in(json, key));
  if (text.empty()) {
    return fail(Errc::invalid, "{}: it is missing", key);
  }
  return text;
}

Result<std::optional<std::uint64_t>> count_in(const io::Json& json, std::string_view key) {
  const auto& value = json[key];
  if (!value.is_null() && !value.count()) {
    return fail(Errc::invalid, "{}: a number that is not negative is expected", key);
  }
  return value.count();
}

Result<Digest> digest_in(const io::Json& json, std::string_view key) {
  AGENT_TRY(const auto text, needed_text(json, key));
  const auto digest = parse_digest(text);
  if (!digest) {
    return fail(Errc::invalid, "{}: 'sha256:' and 64 lower-case hexadecimal digits are expected", key);
  }
  return *digest;
}

Result<const io::JsonObject*> object_in(const io::Json& body, std::string_view key) {
  const auto* const object = body[key].object();
  if (object == nullptr) {
    return fail(Errc::invalid, "{}: an object is expected", key);
  }
  return object;
}

Result<const io::JsonArray*> array_in(const io::Json& body, std::string_view key, std::size_t most) {
  const auto* const array = body[key].array();
  if (array == nullptr) {
    return fail(Errc::invalid, "{}: an array is expected", key);
  }
  if (array->size() > most) {
    return fail(Errc::invalid, "{}: {} at once; at most {} are taken", key, array->size(), most);
  }
  return array;
}

// Both or neither of a digest and its size.
Result<std::optional<Blob>> blob_in(const io::Json& json, std::string_view digest_key,
                                    std::string_view size_key) {
  AGENT_TRY(const auto size, count_in(json, size_key));
  if (json[digest_key].is_null()) {
    return std::nullopt;
  }
  AGENT_TRY(const auto digest, digest_in(json, digest_key));
  if (!size || *size > k_largest_blob) {
    return fail(Errc::invalid, "{}: a size of at most {} is expected", size_key, k_largest_blob);
  }
  return Blob{.digest = digest, .size_bytes = *size};
}

Result<io::Json> description_of(const io::Json& cache) {
  io::JsonObject known;
  for (const auto key : k_texts) {
    AGENT_TRY(auto text, text_in(cache, key));
    if (!text.empty()) {
      known.emplace(key, std::move(text));
    }
  }
  for (const auto key : k_counts) {
    AGENT_TRY(const auto count, count_in(cache, key));
    if (count) {
      known.emplace(key, *count);
    }
  }
  for (const auto key : k_truths) {
    const auto& value = cache[key];
    if (!value.is_null() && !value.boolean()) {
      return fail(Errc::invalid, "{}: true or false is expected", key);
    }
    if (value.boolean()) {
      known.emplace(key, *value.boolean());
    }
  }
  for (const auto key : k_either) {
    if (!cache[key].is_null() && !cache[key].count()) {
      AGENT_CHECK(text_in(cache, key));
    }
    if (!cache[key].is_null()) {
      known.emplace(key, cache[key]);
    }
  }
  return io::Json(std::move(known));
}

Result<std::vector<std::string>> prefixes_in(const io::Json& token) {
  std::vector<std::string> prefixes;
  if (token["write_tag_prefixes"].is_null()) {
    return prefixes;
  }
  AGENT_TRY(const auto* const array, array_in(token, "write_tag_prefixes", k_most_prefixes));
  for (const auto& item : *array) {
    // An empty prefix would allow every tag, which is what leaving the list out says.
    if (!item.is_string() || item.string()->empty() || item.string()->size() > k_longest_text) {
      return fail(Errc::invalid, "write_tag_prefixes: texts that are not empty are expected");
    }
    prefixes.push_back(*item.string());
  }
  return prefixes;
}

Result<std::optional<std::chrono::seconds>> lifetime_in(const io::Json& token) {
  constexpr std::uint64_t k_most_seconds = std::uint64_t{100} * 365 * 24 * 3600;
  AGENT_TRY(const auto seconds, count_in(token, "expires_in_seconds"));
  if (seconds) {
    if (*seconds == 0 || *seconds > k_most_seconds) {
      return fail(Errc::invalid, "expires_in_seconds: from 1 to {}", k_most_seconds);
    }
    return std::chrono::seconds(*seconds);
  }
  if (!token["custom_expires_on"].is_null()) {  // ignoring it would make a token that never ends
    return fail(Errc::invalid, "custom_expires_on: not taken here; say expires_in_seconds");
  }
  AGENT_TRY(const auto preset, text_in(token, "expiration_preset"));
  constexpr std::array<std::pair<std::string_view, int>, 4> k_presets = {
      {{"7_days", 7}, {"30_days", 30}, {"90_days", 90}, {"1_year", 365}}};
  const auto* const found = std::ranges::find(k_presets, preset, &std::pair<std::string_view, int>::first);
  if (found != k_presets.end()) {
    return std::chrono::seconds(std::chrono::hours(24 * found->second));
  }
  if (!preset.empty() && preset != "never" && preset != "none") {
    return fail(Errc::invalid, "expiration_preset: 7_days, 30_days, 90_days, 1_year or never");
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<Blob>> parse_blobs(const io::Json& body, std::size_t most, Sizes sizes) {
  AGENT_TRY(const auto* const array, array_in(body, "blobs", most));
  std::vector<Blob> blobs;
  blobs.reserve(array->size());
  for (const auto& item : *array) {
    AGENT_TRY(const auto digest, digest_in(item, "digest"));
    AGENT_TRY(const auto size, count_in(item, "size_bytes"));
    if ((!size && sizes == Sizes::needed) || size.value_or(0) > k_largest_blob) {
      return fail(Errc::invalid, "size_bytes: a size of at most {} is expected", k_largest_blob);
    }
    blobs.push_back({.digest = digest, .size_bytes = size.value_or(0)});
  }
  return blobs;
}

Result<CreateRequest> parse_create(const io::Json& body) {
  AGENT_CHECK(object_in(body, "cache"));
  const auto& cache = body["cache"];
  CreateRequest request;
  AGENT_TRY(request.tag, text_in(cache, "tag"));
  AGENT_TRY(request.description, description_of(cache));
  AGENT_CHECK(needed_text(cache, "manifest_root_digest"));
  if (!cache["total_size_bytes"].count()) {
    return fail(Errc::invalid, "total_size_bytes: it is missing");
  }
  const auto mode = cache.text("storage_mode");
  if (!mode.empty() && mode != "cas") {
    return fail(Errc::invalid, "storage_mode: 'cas', or none for archives");
  }
  request.is_cas = mode == "cas";
  request.is_forced = cache["force"].boolean().value_or(false);
  if (request.tag.empty() ? !request.is_cas : !is_tag(request.tag)) {
    return fail(Errc::invalid,
                "tag: 1 to 512 of letters, digits, '.', '_', '-' are expected, no '.' or '-' at an end, "
                "no '..'");
  }
  AGENT_TRY(request.manifest, blob_in(cache, "expected_manifest_digest", "expected_manifest_size"));
  return request;
}

Result<PublishRequest> parse_publish(const io::Json& body) {
  PublishRequest request;
  AGENT_TRY(request.entry, needed_text(body, "cache_entry_id"));
  AGENT_TRY(request.scope_tag, text_in(body, "write_scope_tag"));
  AGENT_TRY(const auto mode, text_in(body, "publish_mode"));
  if (!mode.empty() && mode != "cas" && mode != "replace") {
    return fail(Errc::invalid, "publish_mode: 'cas' or 'replace'");
  }
  request.mode = mode == "replace" ? PublishRequest::Mode::replace : PublishRequest::Mode::cas;
  if (!body["cache"].is_null()) {
    AGENT_CHECK(object_in(body, "cache"));
    AGENT_TRY(request.manifest, blob_in(body["cache"], "manifest_digest", "manifest_size"));
    AGENT_TRY(request.archive_size, count_in(body["cache"], "archive_size"));
    AGENT_TRY(request.archive_etag, text_in(body["cache"], "archive_etag"));
    std::erase(request.archive_etag, '"');
  }
  return request;
}

Result<std::vector<ManifestCheck>> parse_checks(const io::Json& body) {
  AGENT_TRY(const auto* const array, array_in(body, "manifest_checks", k_most_checks));
  std::vector<ManifestCheck> checks;
  for (const auto& item : *array) {
    ManifestCheck check;
    AGENT_TRY(check.tag, text_in(item, "tag"));
    AGENT_TRY(check.root_digest, text_in(item, "manifest_root_digest"));
    AGENT_TRY(const auto lookup, text_in(item, "lookup"));
    check.by_digest = lookup == "digest";
    checks.push_back(std::move(check));
  }
  return checks;
}

Result<RowUpsert> parse_row_upsert(const io::Json& body) {
  RowUpsert upsert;
  AGENT_TRY(const auto first, text_in(body, "tag"));
  if (!first.empty()) {
    upsert.tags.push_back(first);
  }
  if (!body["tags"].is_null()) {
    AGENT_TRY(const auto* const tags, array_in(body, "tags", k_most_tags));
    for (const auto& tag : *tags) {
      if (!tag.is_string()) {
        return fail(Errc::invalid, "tags: texts are expected");
      }
      if (std::ranges::find(upsert.tags, *tag.string()) == upsert.tags.end()) {
        upsert.tags.push_back(*tag.string());
      }
    }
  }
  if (upsert.tags.empty() || !std::ranges::all_of(upsert.tags, is_tag)) {
    return fail(Errc::invalid, "tag: the name of a tag is expected");
  }
  AGENT_TRY(const auto* const entries, array_in(body, "entries", k_most_upserted_rows));
  for (const auto& item : *entries) {
    RowRequest row;
    AGENT_TRY(row.name_space, text_in(item, "namespace"));
    AGENT_TRY(row.key, needed_text(item, "scoped_key"));
    AGENT_TRY(row.blob.digest, digest_in(item, "blob_digest"));
    AGENT_TRY(const auto size, count_in(item, "size_bytes"));
    if (!size || *size > k_largest_blob) {
      return fail(Errc::invalid, "size_bytes: a size of at most {} is expected", k_largest_blob);
    }
    if (row.name_space.size() > k_longest_namespace) {
      return fail(Errc::invalid, "namespace: at most {} bytes", k_longest_namespace);
    }
    row.blob.size_bytes = *size;
    upsert.rows.push_back(std::move(row));
  }
  return upsert;
}

Result<CurrentVersion> parse_current_version(const io::Json& body) {
  CurrentVersion wanted;
  AGENT_TRY(wanted.tag, needed_text(body, "tag"));
  if (!is_tag(wanted.tag)) {
    return fail(Errc::invalid, "tag: the name of a tag is expected");
  }
  AGENT_TRY(const auto* const entries, array_in(body, "entries", k_most_marked_rows));
  for (const auto& item : *entries) {
    AGENT_TRY(auto key, needed_text(item, "scoped_key"));
    wanted.keys.push_back(std::move(key));
  }
  return wanted;
}

Result<std::optional<Blob>> parse_finalize(const io::Json& body) {
  if (body["cache"].is_null()) {
    return std::nullopt;
  }
  AGENT_CHECK(object_in(body, "cache"));
  return blob_in(body["cache"], "manifest_digest", "manifest_size");
}

Result<std::vector<Digest>> parse_receipts(const io::Json& body, std::size_t most) {
  AGENT_TRY(const auto* const array, array_in(body, "receipts", most));
  std::vector<Digest> digests;
  for (const auto& item : *array) {
    AGENT_TRY(const auto digest, digest_in(item, "digest"));
    digests.push_back(digest);
  }
  return digests;
}

Result<Blob> parse_manifest(const io::Json& body) {
  AGENT_TRY(const auto manifest, blob_in(body, "manifest_digest", "manifest_size"));
  if (!manifest) {
    return fail(Errc::invalid, "manifest_digest: it is missing");
  }
  return *manifest;
}

Result<std::vector<std::string>> parse_tag_names(const io::Json& body) {
  AGENT_TRY(const auto* const array, array_in(body, "entries", k_most_names));
  std::vector<std::string> names;
  for (const auto& item : *array) {
    if (!item.is_string()) {
      return fail(Errc::invalid, "entries: texts are expected");
    }
    names.push_back(*item.string());
  }
  return names;
}

Result<NewToken> parse_new_token(const io::Json& body, const Workspace& workspace) {
  AGENT_CHECK(object_in(body, "token"));
  const auto& token = body["token"];
  NewToken wanted;
  AGENT_TRY(wanted.name, needed_text(token, "name"));
  AGENT_TRY(const auto level, needed_text(token, "access_level"));
  const auto parsed = level_of(level);
  if (!parsed) {
    return fail(Errc::invalid, "access_level: restore, save or admin");
  }
  wanted.level = *parsed;
  wanted.workspace = workspace.slug();
  AGENT_TRY(wanted.write_tag_prefixes, prefixes_in(token));
  AGENT_TRY(wanted.lifetime, lifetime_in(token));
  return wanted;
}

}  // namespace agent::server
