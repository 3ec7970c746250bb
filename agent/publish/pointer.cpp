#include "agent/publish/pointer.hpp"

#include "agent/io/json.hpp"

namespace agent::publish {

namespace {

constexpr std::uint64_t k_format = 1;
constexpr io::JsonLimits k_limits{.bytes = std::size_t{64} * 1024, .depth = 8};

}  // namespace

std::string encode(const Pointer& pointer) {
  const io::Json json(io::JsonObject{{"digest", pointer.manifest.hex()},
                                     {"format", k_format},
                                     {"generation", pointer.generation},
                                     {"manifest", manifest_name(pointer.manifest)},
                                     {"repository", pointer.id.repository},
                                     {"scope", pointer.id.scope},
                                     {"tag", pointer.id.tag}});
  return json.dump() + "\n";
}

Result<Pointer> parse_pointer(std::string_view text) {
  const auto json = io::parse_json(text, "pointer", k_limits);
  if (!json || !json->is_object()) {
    return fail(Errc::corrupt, "pointer: {}", json ? "no JSON object" : json.error().message);
  }
  const auto format = (*json)["format"].count();
  if (format && *format > k_format) {
    return fail(Errc::unsupported, "pointer: format {} was written by a newer version; this one knows {}",
                *format, k_format);
  }
  const auto generation = (*json)["generation"].count();
  const auto manifest = Digest::from_hex(json->text("digest"));
  Pointer pointer{
      .id = {.repository = json->text("repository"), .scope = json->text("scope"), .tag = json->text("tag")},
      .generation = generation.value_or(0),
      .manifest = manifest.value_or(Digest{})};
  if (format != k_format || pointer.generation == 0 || !manifest || !pointer_name(pointer.id) ||
      json->text("manifest") != manifest_name(pointer.manifest)) {
    return fail(Errc::corrupt, "pointer: a member is missing or wrong");
  }
  return pointer;
}

}  // namespace agent::publish
