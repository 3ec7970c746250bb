#include "agent/publish/tag.hpp"

#include <algorithm>

#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"

namespace agent::publish {

namespace {

constexpr std::size_t k_tag_bytes = 200;
constexpr std::size_t k_identity_bytes = 1024;
constexpr std::size_t k_hash_digits = 32;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-';
}

std::string short_hash(std::string_view text) {
  return io::sha256(io::bytes_of(text)).hex().substr(0, k_hash_digits);
}

std::string sharded(std::string_view folder, const Digest& digest) {
  const auto hex = digest.hex();
  return fmt::format("{}/{}/{}", folder, std::string_view(hex).substr(0, 2), hex);
}

bool is_identity(std::string_view text) {
  return !text.empty() && text.size() <= k_identity_bytes;
}

}  // namespace

bool reads(Mode mode) {
  return mode == Mode::read_write || mode == Mode::read_only;
}

bool publishes(Mode mode) {
  return mode == Mode::read_write || mode == Mode::write_only;
}

std::string_view name_of(Mode mode) {
  switch (mode) {
    case Mode::read_write:
      return "read-write";
    case Mode::read_only:
      return "read-only";
    case Mode::write_only:
      return "write-only";
    case Mode::off:
      return "off";
  }
  return "off";
}

Result<Mode> parse_mode(std::string_view text) {
  for (const auto mode : {Mode::read_write, Mode::read_only, Mode::write_only, Mode::off}) {
    if (text == name_of(mode)) {
      return mode;
    }
  }
  return fail(Errc::invalid, "mode '{}': read-write, read-only, write-only and off are the modes", text);
}

Result<std::string> pointer_name(const TagId& id) {
  if (id.tag.empty() || id.tag.size() > k_tag_bytes || !std::ranges::all_of(id.tag, is_plain) ||
      id.tag == "." || id.tag == "..") {
    return fail(Errc::invalid, "tag '{}': 1 to {} of [A-Za-z0-9._-] are allowed", id.tag, k_tag_bytes);
  }
  if (!is_identity(id.repository) || !is_identity(id.scope)) {
    return fail(Errc::invalid, "tag '{}': repository and scope must have 1 to {} bytes", id.tag,
                k_identity_bytes);
  }
  return fmt::format("tags/{}/{}/{}", short_hash(id.repository), short_hash(id.scope), id.tag);
}

std::string manifest_name(const Digest& digest) {
  return sharded("manifests", digest);
}

std::string pack_name(const Digest& footer_digest) {
  return sharded("packs", footer_digest);
}

}  // namespace agent::publish
