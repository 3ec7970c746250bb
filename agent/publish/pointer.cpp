#include "agent/publish/pointer.hpp"

#include <utility>

#include "agent/io/base64.hpp"
#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/json.hpp"

namespace agent::publish {

namespace {

constexpr std::uint64_t k_by_name = 1;   // format of a pointer that names its manifest
constexpr std::uint64_t k_embedded = 2;  // format of one that holds it
constexpr io::JsonLimits k_limits{.bytes = k_max_pointer_bytes, .depth = 8};

}  // namespace

Pointer pointer_to(TagId id, std::uint64_t generation, std::string manifest_bytes) {
  Pointer pointer{.id = std::move(id),
                  .generation = generation,
                  .manifest = io::sha256(io::bytes_of(manifest_bytes)),
                  .embedded = std::nullopt};
  if (manifest_bytes.size() < k_max_pointer_bytes) {
    pointer.embedded = std::move(manifest_bytes);
  }
  if (encode(pointer).size() > k_max_pointer_bytes) {
    pointer.embedded.reset();
  }
  return pointer;
}

std::string encode(const Pointer& pointer) {
  io::JsonObject members{{"digest", pointer.manifest.hex()},
                         {"generation", pointer.generation},
                         {"repository", pointer.id.repository},
                         {"scope", pointer.id.scope},
                         {"tag", pointer.id.tag}};
  if (pointer.embedded) {
    members.emplace("format", k_embedded);
    members.emplace("embedded", io::to_base64(io::bytes_of(*pointer.embedded)));
  } else {
    members.emplace("format", k_by_name);
    members.emplace("manifest", manifest_name(pointer.manifest));
  }
  return io::Json(std::move(members)).dump() + "\n";
}

Result<Pointer> parse_pointer(std::string_view text) {
  const auto json = io::parse_json(text, "pointer", k_limits);
  if (!json || !json->is_object()) {
    return fail(Errc::corrupt, "pointer: {}", json ? "no JSON object" : json.error().message);
  }
  const auto format = (*json)["format"].count().value_or(0);
  if (format > k_embedded) {
    return fail(Errc::unsupported, "pointer: format {} was written by a newer version; this one knows {}",
                format, k_embedded);
  }
  const auto generation = (*json)["generation"].count();
  const auto manifest = Digest::from_hex(json->text("digest"));
  Pointer pointer{
      .id = {.repository = json->text("repository"), .scope = json->text("scope"), .tag = json->text("tag")},
      .generation = generation.value_or(0),
      .manifest = manifest.value_or(Digest{}),
      .embedded = std::nullopt};
  if (format == k_embedded && (*json)["embedded"].is_string()) {
    pointer.embedded = io::from_base64(json->text("embedded"));
  }
  const bool has_manifest =
      format == k_embedded ? pointer.embedded.has_value()
                           : format == k_by_name && json->text("manifest") == manifest_name(pointer.manifest);
  if (!has_manifest || pointer.generation == 0 || !manifest || !pointer_name(pointer.id)) {
    return fail(Errc::corrupt, "pointer: a member is missing or wrong");
  }
  return pointer;
}

}  // namespace agent::publish
