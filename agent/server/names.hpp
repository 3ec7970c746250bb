// What the API names, parsed once: workspaces, tags, blobs; and where the server keeps each of them in its
// storage (docs/formats.md, "What a server keeps"). Pure functions over values; safe from any thread.
// Source of the grammar: the BoringCache CLI 1.13, read 2026-11 (docs/protocols/boringcache.md).
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/core/digest.hpp"

namespace agent::server {

// "owner/name", each 1 to 64 of [A-Za-z0-9._-], beginning with a letter or digit.
struct Workspace {
  std::string owner;
  std::string name;

  std::string slug() const { return owner + "/" + name; }
  auto operator<=>(const Workspace&) const = default;
};

std::optional<Workspace> make_workspace(std::string_view owner, std::string_view name);
std::optional<Workspace> parse_workspace(std::string_view slug);

// 1 to 512 of [A-Za-z0-9._-], no '.' or '-' at either end, no "..".
bool is_tag(std::string_view text);

// Tags of Hearth's own object storage that are published once and never moved: all but its pointers.
bool is_written_once(std::string_view tag);

// "sha256:<64 lower-case hexadecimal digits>"
std::optional<Digest> parse_digest(std::string_view text);
std::string digest_text(const Digest& digest);

struct Blob {
  Digest digest;
  std::uint64_t size_bytes = 0;
  bool operator==(const Blob&) const = default;
};

// Identifiers that this server makes: a letter, '_' and 24 hexadecimal digits.
std::string random_id(char kind);
bool is_id(std::string_view text, char kind);

// Names of objects in the storage.
std::string blob_object(const Workspace& workspace, const Digest& digest);
std::string entry_object(const Workspace& workspace, std::string_view id);
std::string blobs_prefix(const Workspace& workspace);
std::string entries_prefix(const Workspace& workspace);
std::string notes_prefix(const Workspace& workspace);  // of all entries, and of blobs staged for none
std::string probes_prefix(const Workspace& workspace);
std::string row_segments_prefix(const Workspace& workspace);
std::string staged_prefix(const Workspace& workspace, std::string_view entry);
std::string tag_object(const Workspace& workspace, std::string_view tag);
std::string tags_prefix(const Workspace& workspace);

// An entry that is found by its root digest and not by a tag stands where this says, as a tag of this name.
std::string digests_prefix(const Workspace& workspace);
std::string name_of_root(std::string_view root_digest);
std::string row_heads_prefix(const Workspace& workspace);
std::string row_head_object(const Workspace& workspace, std::string_view tag);
std::string row_segment_object(const Workspace& workspace, std::string_view id);
std::string workspace_object(const Workspace& workspace);
std::string token_object(std::string_view id);
constexpr std::string_view k_tokens_prefix = "tags/_tokens/";
constexpr std::string_view k_keys_object = "tags/_keys/signing";           // of URLs
constexpr std::string_view k_signatures_object = "tags/_keys/signatures";  // of entries

}  // namespace agent::server
