#include "agent/server/names.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/random.hpp"

namespace agent::server {

namespace {

constexpr std::size_t k_longest_part = 64;
constexpr std::size_t k_longest_tag = 512;
constexpr std::size_t k_longest_plain_tag = 200;  // longer ones stand under their digest
constexpr std::size_t k_id_digits = 24;
constexpr std::string_view k_digest_prefix = "sha256:";

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text,
                             [](char c) { return is_alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

bool is_part(std::string_view text) {
  return !text.empty() && text.size() <= k_longest_part && is_alphanumeric(text.front()) && is_plain(text);
}

}  // namespace

std::optional<Workspace> make_workspace(std::string_view owner, std::string_view name) {
  if (!is_part(owner) || !is_part(name)) {
    return std::nullopt;
  }
  return Workspace{.owner = std::string(owner), .name = std::string(name)};
}

std::optional<Workspace> parse_workspace(std::string_view slug) {
  const auto slash = slug.find('/');
  return slash == std::string_view::npos ? std::nullopt
                                         : make_workspace(slug.substr(0, slash), slug.substr(slash + 1));
}

bool is_tag(std::string_view text) {
  const auto may_stand_at_an_end = [](char c) { return c != '.' && c != '-'; };
  return !text.empty() && text.size() <= k_longest_tag && is_plain(text) &&
         may_stand_at_an_end(text.front()) && may_stand_at_an_end(text.back()) && !text.contains("..");
}

bool is_written_once(std::string_view tag) {
  return tag.starts_with("hearth_") && !tag.starts_with("hearth_tags_s");
}

std::optional<Digest> parse_digest(std::string_view text) {
  return text.starts_with(k_digest_prefix) ? Digest::from_hex(text.substr(k_digest_prefix.size()))
                                           : std::nullopt;
}

std::string digest_text(const Digest& digest) {
  return std::string(k_digest_prefix) + digest.hex();
}

std::string random_id(char kind) {
  return fmt::format("{}_{}", kind, io::random_mark());
}

bool is_id(std::string_view text, char kind) {
  return text.size() == k_id_digits + 2 && text[0] == kind && text[1] == '_' &&
         text.find_first_not_of("0123456789abcdef", 2) == std::string_view::npos;
}

std::string blob_object(const Workspace& workspace, const Digest& digest) {
  const auto hex = digest.hex();
  return fmt::format("blobs/{}/{}/{}", workspace.slug(), hex.substr(0, 2), hex);
}

std::string entry_object(const Workspace& workspace, std::string_view id) {
  return fmt::format("entries/{}/{}/{}", workspace.slug(), id.substr(2, 2), id);
}

std::string blobs_prefix(const Workspace& workspace) {
  return fmt::format("blobs/{}/", workspace.slug());
}

std::string entries_prefix(const Workspace& workspace) {
  return fmt::format("entries/{}/", workspace.slug());
}

std::string notes_prefix(const Workspace& workspace) {
  return fmt::format("staged/{}/", workspace.slug());
}

std::string probes_prefix(const Workspace& workspace) {
  return fmt::format("probes/{}/", workspace.slug());
}

std::string row_segments_prefix(const Workspace& workspace) {
  return fmt::format("rows/{}/", workspace.slug());
}

std::string staged_prefix(const Workspace& workspace, std::string_view entry) {
  return fmt::format("staged/{}/{}/", workspace.slug(), entry);
}

std::string tag_object(const Workspace& workspace, std::string_view tag) {
  if (tag.size() <= k_longest_plain_tag) {
    return fmt::format("{}{}", tags_prefix(workspace), tag);
  }
  return fmt::format("{}.long/{}", tags_prefix(workspace), io::sha256(io::bytes_of(tag)).hex());
}

std::string tags_prefix(const Workspace& workspace) {
  return fmt::format("tags/{}/t/", workspace.slug());
}

std::string digests_prefix(const Workspace& workspace) {
  return fmt::format("tags/{}/d/", workspace.slug());
}

std::string name_of_root(std::string_view root_digest) {
  return "digest_" + io::sha256(io::bytes_of(root_digest)).hex();
}

std::string row_heads_prefix(const Workspace& workspace) {
  return fmt::format("tags/{}/k/", workspace.slug());
}

std::string row_head_object(const Workspace& workspace, std::string_view tag) {
  return row_heads_prefix(workspace) + io::sha256(io::bytes_of(tag)).hex();
}

std::string row_segment_object(const Workspace& workspace, std::string_view id) {
  return fmt::format("rows/{}/{}/{}", workspace.slug(), id.substr(2, 2), id);
}

std::string workspace_object(const Workspace& workspace) {
  return fmt::format("tags/{}/workspace", workspace.slug());
}

std::string token_object(std::string_view id) {
  return fmt::format("{}{}", k_tokens_prefix, id);
}

}  // namespace agent::server
