// The bodies of requests, parsed once into what cannot be wrong. Pure functions over values; safe from any
// thread. Errors: invalid, naming the member and what it should be. Members that are not known are ignored;
// null counts as absent. Source: docs/protocols/boringcache.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/io/json.hpp"
#include "agent/server/names.hpp"
#include "agent/server/tokens.hpp"

namespace agent::server {

constexpr std::size_t k_most_checked_blobs = 10'000;
constexpr std::size_t k_most_url_blobs = 2'000;
constexpr std::size_t k_most_staged_blobs = 500;

// body.blobs; sizes may be missing where `needs_sizes` is not said.
enum class Sizes : std::uint8_t { needed, optional };
Result<std::vector<Blob>> parse_blobs(const io::Json& body, std::size_t most, Sizes sizes);

struct CreateRequest {
  std::string tag;       // empty: digest only
  io::Json description;  // the members of `cache` that are known, checked
  bool is_cas = false;
  bool is_forced = false;
  std::optional<Blob> manifest;  // expected_manifest_*
};
Result<CreateRequest> parse_create(const io::Json& body);

struct PublishRequest {
  enum class Mode : std::uint8_t { cas, replace } mode = Mode::cas;
  std::string entry;
  std::string scope_tag;         // empty: none
  std::optional<Blob> manifest;  // cache.manifest_*
  std::optional<std::uint64_t> archive_size = {};
  std::string archive_etag = {};  // without quotes
};
Result<PublishRequest> parse_publish(const io::Json& body);

struct ManifestCheck {
  std::string tag;
  std::string root_digest;
  bool by_digest = false;
};
Result<std::vector<ManifestCheck>> parse_checks(const io::Json& body);

constexpr std::size_t k_most_upserted_rows = 2'000;

struct RowRequest {
  std::string name_space;
  std::string key;
  Blob blob;
};
struct RowUpsert {
  std::vector<std::string> tags;  // at least one, without repetition
  std::vector<RowRequest> rows;
};
Result<RowUpsert> parse_row_upsert(const io::Json& body);

constexpr std::size_t k_most_marked_rows = 100'000;

// {"tag": …, "entries": [{"scoped_key": …}, …]}
struct CurrentVersion {
  std::string tag;
  std::vector<std::string> keys;
};
Result<CurrentVersion> parse_current_version(const io::Json& body);

// The body of finalize: {"cache": {"manifest_digest": …, "manifest_size": …}}; empty: it names no manifest.
Result<std::optional<Blob>> parse_finalize(const io::Json& body);

// {"receipts": [{"digest": …}, …]}
Result<std::vector<Digest>> parse_receipts(const io::Json& body, std::size_t most);

// {"manifest_digest": …, "manifest_size": …}
Result<Blob> parse_manifest(const io::Json& body);

// {"entries": ["tag", …]}
Result<std::vector<std::string>> parse_tag_names(const io::Json& body);

// {"token": {…}} for this workspace.
Result<NewToken> parse_new_token(const io::Json& body, const Workspace& workspace);

}  // namespace agent::server
