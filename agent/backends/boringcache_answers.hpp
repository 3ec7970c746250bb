// What a BoringCache server says, as far as the storage uses it. Pure functions over outside bytes; safe from
// any thread. Errors: transient (no JSON of this form: something between us and the server answered).
// Source: docs/protocols/boringcache.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/backends/boringcache_signature.hpp"
#include "agent/core/clock.hpp"
#include "agent/core/digest.hpp"
#include "agent/core/result.hpp"

namespace agent::backends {

struct ServerFeatures {
  std::string bootstrap;  // If-Match where a tag has no pointer; empty: not said
  bool stages_blobs = false;
  bool publishes_tags = false;
};
// A type that is not the documented one switches everything off.
ServerFeatures parse_server_features(std::string_view text);

struct TagPointer {
  std::string version;
  std::string entry;
  std::string root_digest;
  std::string manifest_url;  // of servers that say it here
  EntrySignature signature = {};
};
Result<TagPointer> parse_tag_pointer(std::string_view text);

// The hit for one tag of a restore; empty where it is a miss.
struct RestoredTag {
  std::string entry;
  std::string root_digest;
  std::string manifest_url;
  std::uint64_t blob_count = 0;
  std::uint64_t object_bytes = 0;
  EntrySignature signature = {};
};
Result<std::optional<RestoredTag>> parse_restored(std::string_view text, std::string_view tag);

struct CreatedEntry {
  std::string id;
  std::string manifest_url;  // where to put the manifest; empty: it is there
};
Result<CreatedEntry> parse_created(std::string_view text);

// Where to put a blob; empty where the server has it.
struct UploadPlace {
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
};
Result<std::optional<UploadPlace>> parse_staged(std::string_view text, std::string_view digest);

// Empty where it is missing.
Result<std::optional<std::string>> parse_download_url(std::string_view text, std::string_view digest);

// The version of a publish.
Result<std::string> parse_published(std::string_view text);

struct ListedTag {
  std::string name;
  std::uint64_t size_bytes = 0;
  Wall uploaded{};
};
struct TagPage {
  std::vector<ListedTag> tags;
  bool has_more = false;
};
Result<TagPage> parse_tag_page(std::string_view text);

// {"error": …} or {"message": …} of a refusal; empty where it says nothing.
std::string refusal_text(std::string_view body);

// Whether a 404 is the API's own word that there is no such thing. What answers in between, such as an
// ingress that is reloading, knows no such code; a server other than `hearth server` may leave it out.
bool says_not_found(std::string_view body);

}  // namespace agent::backends
