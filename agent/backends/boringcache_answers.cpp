#include "agent/backends/boringcache_answers.hpp"

#include <algorithm>

#include "agent/backends/github_answers.hpp"
#include "agent/io/json.hpp"

namespace agent::backends {

namespace {

constexpr std::size_t k_most_headers = 32;

std::unexpected<Error> not_understood(std::string_view what) {
  return fail(Errc::transient, "the server's answer is not understood: {}", what);
}

Result<io::Json> parse(std::string_view text) {
  auto json = io::parse_json(text, "answer", {.bytes = std::size_t{16} << 20U, .depth = 16});
  if (!json) {
    return not_understood(json.error().message);
  }
  return json;
}

bool is_http_url(std::string_view url) {
  return url.starts_with("https://") || url.starts_with("http://");
}

const io::Json* find_by(const io::Json& list, std::string_view key, std::string_view value) {
  const auto* const items = list.array();
  if (items == nullptr) {
    return nullptr;
  }
  const auto found =
      std::ranges::find_if(*items, [&](const io::Json& item) { return item.text(key) == value; });
  return found != items->end() ? &*found : nullptr;
}

bool lists(const io::Json& list, std::string_view value) {
  const auto* const items = list.array();
  return items != nullptr && std::ranges::any_of(*items, [&](const io::Json& item) {
           return item.is_string() && *item.string() == value;
         });
}

}  // namespace

ServerFeatures parse_server_features(std::string_view text) {
  const auto json = parse(text);
  if (!json) {
    return {};
  }
  const auto& features = (*json)["features"];
  const auto& bootstrap = features["cas_publish_bootstrap_if_match"];
  const auto stages = features["blob_stage_v2"].boolean();
  const auto publishes = features["tag_publish_v2"].boolean();
  if (!bootstrap.is_null() && !bootstrap.is_string()) {
    return {};
  }
  return {.bootstrap = bootstrap.is_string() ? *bootstrap.string() : std::string(),
          .stages_blobs = stages.value_or(false),
          .publishes_tags = publishes.value_or(false)};
}

Result<TagPointer> parse_tag_pointer(std::string_view text) {
  AGENT_TRY(const auto json, parse(text));
  TagPointer pointer{.version = json.text("version"),
                     .entry = json.text("cache_entry_id"),
                     .root_digest = json.text("manifest_root_digest"),
                     .manifest_url = json.text("manifest_url"),
                     .signature = signature_in(json)};
  if (pointer.version.empty()) {
    return not_understood("a pointer without version");
  }
  if (!is_http_url(pointer.manifest_url)) {
    pointer.manifest_url.clear();
  }
  return pointer;
}

Result<std::optional<RestoredTag>> parse_restored(std::string_view text, std::string_view tag) {
  AGENT_TRY(const auto json, parse(text));
  if (!json.is_array()) {
    return not_understood("a restore that is no array");
  }
  const auto* const found = find_by(json, "tag", tag);
  if (found == nullptr || found->text("status") != "hit") {
    return std::nullopt;
  }
  const auto size = (*found)["metadata"]["total_size_bytes"].count();
  RestoredTag restored{.entry = found->text("cache_entry_id"),
                       .root_digest = found->text("manifest_root_digest"),
                       .manifest_url = found->text("manifest_url"),
                       .blob_count = (*found)["blob_count"].count().value_or(0),
                       .object_bytes = size.value_or(0),
                       .signature = signature_in(*found)};
  if (restored.entry.empty() || !size || !is_http_url(restored.manifest_url)) {
    return not_understood("a hit without entry, size or manifest");
  }
  return std::optional(std::move(restored));
}

Result<CreatedEntry> parse_created(std::string_view text) {
  AGENT_TRY(const auto json, parse(text));
  CreatedEntry created{.id = json.text("cache_entry_id"), .manifest_url = json.text("manifest_upload_url")};
  if (created.id.empty() || (!created.manifest_url.empty() && !is_http_url(created.manifest_url))) {
    return not_understood("an entry without id");
  }
  return created;
}

Result<std::optional<UploadPlace>> parse_staged(std::string_view text, std::string_view digest) {
  AGENT_TRY(const auto json, parse(text));
  const auto* const place = find_by(json["upload_urls"], "digest", digest);
  if (place == nullptr) {
    if (lists(json["already_present"], digest)) {
      return std::nullopt;
    }
    return not_understood("a blob is neither there nor wanted");
  }
  UploadPlace upload{.url = place->text("url"), .headers = {}};
  if (!is_http_url(upload.url)) {
    return not_understood("a blob without upload URL");
  }
  if (const auto* const headers = (*place)["headers"].object(); headers != nullptr) {
    for (const auto& [name, value] : *headers) {
      if (!value.is_string() || upload.headers.size() == k_most_headers) {
        return not_understood("headers of an upload");
      }
      upload.headers.emplace_back(name, *value.string());
    }
  }
  return std::optional(std::move(upload));
}

Result<std::optional<std::string>> parse_download_url(std::string_view text, std::string_view digest) {
  AGENT_TRY(const auto json, parse(text));
  const auto* const found = find_by(json["download_urls"], "digest", digest);
  if (found == nullptr) {
    return std::nullopt;
  }
  auto url = found->text("url");
  if (!is_http_url(url)) {
    return not_understood("a blob without URL");
  }
  return std::optional(std::move(url));
}

Result<std::string> parse_published(std::string_view text) {
  AGENT_TRY(const auto json, parse(text));
  auto version = json.text("version");
  if (version.empty()) {
    return not_understood("a publish without version");
  }
  return version;
}

Result<TagPage> parse_tag_page(std::string_view text) {
  AGENT_TRY(const auto json, parse(text));
  const auto* const tags = json["tags"].array();
  if (tags == nullptr) {
    return not_understood("a list without tags");
  }
  TagPage page;
  page.has_more = json["pagination"]["has_more"].boolean().value_or(false);
  for (const auto& tag : *tags) {
    page.tags.push_back({.name = tag.text("name"),
                         .size_bytes = tag["stored_size_bytes"].count().value_or(0),
                         .uploaded = parse_utc(tag.text("uploaded_at")).value_or(Wall{})});
  }
  return page;
}

std::string refusal_text(std::string_view body) {
  const auto json = parse(body);
  return json ? json->text("error", json->text("message")) : std::string();
}

bool says_not_found(std::string_view body) {
  const auto json = parse(body);
  return json && json->text("code") == "not_found";
}

}  // namespace agent::backends
