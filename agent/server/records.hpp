// What the server writes down about entries, tags and tokens: values with their JSON forms
// (docs/formats.md, "What a server keeps"). Parsing is bounded. Errors: corrupt (not of this form),
// unsupported (a newer format).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/backends/boringcache_signature.hpp"
#include "agent/core/result.hpp"
#include "agent/io/json.hpp"
#include "agent/server/names.hpp"

namespace agent::server {

// What a client announced and may publish. Immutable.
struct Entry {
  std::string id;
  std::string tag;       // that it was created for; empty: none
  io::Json description;  // the request's `cache`, as it was checked
  std::string producer;  // the token's id and name
  std::uint64_t created_ms = 0;
  bool operator==(const Entry&) const = default;
};

// Where a tag points. Each change has a version of its own, which never comes again.
struct TagRecord {
  std::string tag;
  std::uint64_t generation = 0;
  std::string version;      // "<generation>.<random>"
  std::string previous;     // the version it replaced; empty: none
  bool is_deleted = false;  // then only tag, generation and version mean anything
  std::string entry;
  io::Json description;  // of the entry
  std::optional<Blob> manifest;
  std::string producer;
  std::uint64_t created_ms = 0;    // of the entry
  std::uint64_t published_ms = 0;  // of this generation
  std::optional<backends::EntrySignature> signature = {};
  bool operator==(const TagRecord&) const = default;

  std::string root_digest() const { return description.text("manifest_root_digest"); }
  std::uint64_t stored_bytes() const;
};

enum class Level : std::uint8_t { restore, save, admin };
std::string_view name_of(Level level);
std::optional<Level> level_of(std::string_view text);

struct Token {
  std::string id;
  std::string name;
  std::string workspace;  // "owner/name"
  Level level = Level::restore;
  std::vector<std::string> write_tag_prefixes;  // empty: any tag, as far as the level allows writing
  std::string secret_sha256;                    // hexadecimal
  std::uint64_t created_ms = 0;
  std::optional<std::uint64_t> expires_ms;
  bool is_revoked = false;
  bool operator==(const Token&) const = default;
};

std::string encode(const Entry& entry);
std::string encode(const TagRecord& record);
std::string encode(const Token& token);
Result<Entry> parse_entry(std::string_view text);
Result<TagRecord> parse_tag_record(std::string_view text);
Result<Token> parse_token(std::string_view text);

}  // namespace agent::server
