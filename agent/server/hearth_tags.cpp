#include "agent/server/hearth_tags.hpp"

#include "agent/backends/boringcache_names.hpp"
#include "agent/core/log.hpp"
#include "agent/io/fd.hpp"
#include "agent/publish/manifest.hpp"
#include "agent/publish/pointer.hpp"
#include "agent/publish/tag.hpp"

namespace agent::server {

namespace {

// The object that a tag's entry is; empty where it is gone or larger than it may be.
Result<std::optional<std::string>> object_of(Context& context, const Workspace& workspace,
                                             const TagRecord& record, std::uint64_t most) {
  auto blob = record.manifest;
  if (record.description["blob_count"].count().value_or(0) == 1) {  // then that blob is the object
    const auto digest = parse_digest(record.root_digest());
    const auto size = record.description["total_size_bytes"].count();
    blob = digest && size ? std::optional(Blob{.digest = *digest, .size_bytes = *size}) : std::nullopt;
  }
  if (!blob || blob->size_bytes > most) {
    return std::nullopt;
  }
  return context.storage.get(blob_object(workspace, blob->digest), {.offset = 0, .size = blob->size_bytes});
}

Result<std::optional<HearthTag>> read(Context& context, const Workspace& workspace, const TagRecord& record) {
  AGENT_TRY(const auto text, object_of(context, workspace, record, publish::k_max_pointer_bytes));
  if (!text) {
    return std::nullopt;
  }
  AGENT_TRY(const auto pointer, publish::parse_pointer(*text));
  auto bytes = pointer.embedded;
  if (!bytes) {
    AGENT_TRY(const auto tag, backends::tag_of_object(publish::manifest_name(pointer.manifest)));
    AGENT_TRY(const auto named, context.tags.find(workspace, tag));
    if (named) {
      AGENT_TRY(bytes, object_of(context, workspace, *named, publish::k_max_manifest_bytes));
    }
  }
  if (!bytes) {
    return std::nullopt;
  }
  AGENT_TRY(const auto manifest, publish::parse_manifest(io::bytes_of(*bytes)));
  HearthTag tag{.id = pointer.id};
  for (const auto& pack : manifest.packs) {
    tag.bytes += pack.size_bytes;
    tag.objects += pack.objects;
  }
  return tag;
}

}  // namespace

std::optional<HearthTag> read_hearth_tag(Context& context, const Workspace& workspace,
                                         const TagRecord& record) {
  const auto tag = read(context, workspace, record);
  if (!tag) {
    log::warn("server: size of {}: {}", record.tag, tag.error().message);
    return std::nullopt;
  }
  return *tag;
}

}  // namespace agent::server
