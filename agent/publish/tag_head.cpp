#include "agent/publish/tag_head.hpp"

#include "agent/core/log.hpp"
#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"

namespace agent::publish {

namespace {

// What a person has to know to get rid of a broken tag.
std::unexpected<Error> about(const backends::ObjectStorage& storage, std::string_view name, Error error) {
  if (error.code == Errc::corrupt) {
    error.message =
        fmt::format("{} in {}: {}; remove it to begin the tag anew", name, storage.describe(), error.message);
  } else {
    error.message = fmt::format("{} in {}: {}", name, storage.describe(), error.message);
  }
  return std::unexpected(std::move(error));
}

}  // namespace

Result<std::optional<PointerAt>> read_pointer(backends::ObjectStorage& storage, const TagId& id) {
  AGENT_TRY(const auto name, pointer_name(id));
  AGENT_TRY(auto object, storage.read(name));
  if (!object) {
    return std::optional<PointerAt>{};
  }
  auto pointer = parse_pointer(object->content);
  if (!pointer) {
    return about(storage, name, std::move(pointer).error());
  }
  if (pointer->id != id) {
    const auto foreign = fail(Errc::corrupt, "it belongs to tag {} of {} in {}", pointer->id.tag,
                              pointer->id.repository, pointer->id.scope);
    return about(storage, name, foreign.error());
  }
  return std::optional(PointerAt{.pointer = *std::move(pointer), .version = std::move(object->version)});
}

Result<std::optional<Manifest>> read_manifest(backends::ObjectStorage& storage, const Pointer& pointer) {
  AGENT_TRY(const auto name, pointer.embedded ? pointer_name(pointer.id)
                                              : Result<std::string>(manifest_name(pointer.manifest)));
  auto content = pointer.embedded;
  if (!content) {
    AGENT_TRY(auto object, storage.read(name));
    if (!object) {
      return std::optional<Manifest>{};
    }
    content = std::move(object->content);
  }
  const auto bytes = io::bytes_of(*content);
  if (io::sha256(bytes) != pointer.manifest) {
    return about(storage, name, fail(Errc::corrupt, "manifest: its bytes do not match its digest").error());
  }
  auto manifest = parse_manifest(bytes);
  if (!manifest) {
    return about(storage, name, std::move(manifest).error());
  }
  return std::optional(*std::move(manifest));
}

Result<Head> read_head(backends::ObjectStorage& storage, const TagId& id) {
  AGENT_TRY(auto at, read_pointer(storage, id));
  if (!at) {
    return Head{};
  }
  Head head{.version = std::move(at->version),
            .digest = at->pointer.manifest,
            .generation = at->pointer.generation,
            .manifest = {}};
  AGENT_TRY(auto manifest, read_manifest(storage, at->pointer));
  if (manifest) {
    head.manifest = *std::move(manifest);
  } else {
    log::warn("publish: the manifest is gone, the tag begins anew tag={} generation={}", id.tag,
              head.generation);
  }
  return head;
}

Result<void> replace_head(backends::ObjectStorage& storage, const TagId& id, const Head& expected,
                          const Manifest& next) {
  AGENT_TRY(const auto name, pointer_name(id));
  AGENT_TRY(auto bytes, encode(next));
  const auto pointer = pointer_to(id, next.generation, bytes);
  if (!pointer.embedded) {
    AGENT_CHECK(storage.put_if_absent(manifest_name(pointer.manifest), std::string_view(bytes)));
  }
  AGENT_CHECK(storage.compare_and_swap(name, expected.version, encode(pointer)));
  return {};
}

bool is_ambiguous(Errc code) {
  return code == Errc::transient || code == Errc::io || code == Errc::cancelled;
}

}  // namespace agent::publish
