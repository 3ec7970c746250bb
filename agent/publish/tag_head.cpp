#include "agent/publish/tag_head.hpp"

#include <algorithm>
#include <iterator>

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
  return std::optional(PointerAt{.pointer = *std::move(pointer),
                                 .version = std::move(object->version),
                                 .also = std::move(object->also)});
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

namespace {

// The packs of a pointer that was passed over, as far as `head` does not know them. One that cannot be read
// holds nobody up: whoever wrote it was told that he failed.
std::vector<PackRecord> unknown_packs(backends::ObjectStorage& storage, std::string_view text,
                                      const TagId& id, const Manifest& head) {
  const auto pointer = parse_pointer(text);
  const auto manifest =
      pointer && pointer->id == id ? read_manifest(storage, *pointer) : std::optional<Manifest>{};
  std::vector<PackRecord> packs;
  if (!manifest || !*manifest) {
    return packs;
  }
  std::ranges::copy_if((*manifest)->packs, std::back_inserter(packs), [&](const PackRecord& pack) {
    return head.find(pack.digest) == nullptr && !head.buried(pack.digest);
  });
  return packs;
}

}  // namespace

Step step_after(const Head& head, const Clock& clock) {
  return {
      .previous = head.digest, .generation = head.generation + 1, .now_ms = milliseconds_of(clock.wall())};
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
    for (const auto& text : at->also) {
      std::ranges::move(unknown_packs(storage, text, id, head.manifest),
                        std::back_inserter(head.passed_over));
    }
  } else {
    log::warn("publish: the manifest is gone, the tag begins anew tag={} generation={}", id.tag,
              head.generation);
  }
  return head;
}

Result<void> replace_head(backends::ObjectStorage& storage, const TagId& id, const Head& expected,
                          const Manifest& next) {
  AGENT_TRY(const auto name, pointer_name(id));
  auto whole = next;
  for (const auto& pack : expected.passed_over) {
    if (whole.find(pack.digest) == nullptr && !whole.buried(pack.digest)) {
      whole.packs.push_back(pack);
      std::ranges::sort(whole.packs, {}, &PackRecord::digest);
    }
  }
  AGENT_TRY(auto bytes, encode(whole));
  const auto pointer = pointer_to(id, whole.generation, bytes);
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
