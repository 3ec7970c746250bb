#include "agent/publish/manifest.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <string_view>

#include "agent/io/fd.hpp"
#include "agent/io/little_endian.hpp"
#include "agent/store/pack_format.hpp"

namespace agent::publish {

namespace {

constexpr std::string_view k_magic = "HRTHMANI";
constexpr std::uint32_t k_version = 1;
constexpr std::size_t k_pack_bytes = 88;
constexpr std::size_t k_tombstone_bytes = 40;
constexpr std::uint16_t k_must_understand = 1;  // section flag

// As wide as in the file. NOLINTNEXTLINE(performance-enum-size)
enum SectionType : std::uint16_t { k_producers = 1, k_packs = 2, k_tombstones = 3, k_removed = 4 };

void append_digest(std::string& to, const Digest& digest) {
  to.append(reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size());
}

Digest take_digest(io::ByteReader& from) {
  Digest digest;
  const auto bytes = from.take(digest.bytes.size());
  if (from.ok()) {
    std::memcpy(digest.bytes.data(), bytes.data(), bytes.size());
  }
  return digest;
}

std::unexpected<Error> broken(std::string_view what) {
  return fail(Errc::corrupt, "manifest: {}", what);
}

// A counted table of records of one size fills the rest of its section exactly.
Result<std::uint32_t> take_count(io::ByteReader& from, std::size_t record_bytes, std::string_view what) {
  const auto count = from.number<std::uint32_t>();
  if (!from.ok() || from.left().size() % record_bytes != 0 || from.left().size() / record_bytes != count) {
    return broken(what);
  }
  return count;
}

void append_section(std::string& to, std::uint16_t type, std::uint16_t flags, std::string_view payload) {
  io::append_le(to, type);
  io::append_le(to, flags);
  io::append_le(to, std::uint32_t{0});
  io::append_le(to, std::uint64_t{payload.size()});
  to.append(payload);
}

using Producers = std::map<std::string_view, std::uint32_t>;

Producers producers_of(const Manifest& manifest) {
  Producers producers;
  for (const auto& pack : manifest.packs) {
    producers.emplace(pack.producer, 0);
  }
  std::uint32_t number = 0;
  for (auto& [name, index] : producers) {
    index = number++;
  }
  return producers;
}

std::string encode_producers(const Producers& producers) {
  std::string payload;
  io::append_le(payload, static_cast<std::uint32_t>(producers.size()));
  for (const auto& [name, index] : producers) {
    io::append_le(payload, static_cast<std::uint16_t>(name.size()));
    payload.append(name);
  }
  return payload;
}

std::string encode_packs(const std::vector<PackRecord>& packs, const Producers& producers) {
  std::string payload;
  io::append_le(payload, static_cast<std::uint32_t>(packs.size()));
  for (const auto& pack : packs) {
    append_digest(payload, pack.digest);
    for (const auto number : {pack.size_bytes, pack.footer_offset, pack.footer_size, pack.live_bytes,
                              pack.generation, pack.created_ms}) {
      io::append_le(payload, number);
    }
    io::append_le(payload, pack.objects);
    io::append_le(payload, producers.at(pack.producer));
  }
  return payload;
}

std::string encode_tombstones(const std::vector<Tombstone>& tombstones) {
  std::string payload;
  io::append_le(payload, static_cast<std::uint32_t>(tombstones.size()));
  for (const auto& tombstone : tombstones) {
    append_digest(payload, tombstone.pack);
    io::append_le(payload, tombstone.removed_ms);
  }
  return payload;
}

std::string encode_removed(const RemovedKeys& removed) {
  std::string payload;
  io::append_le(payload, static_cast<std::uint32_t>(removed.size()));
  for (const auto& one : removed) {
    io::append_le(payload, one.generation);
    io::append_le(payload, one.removed_ms);
    io::append_le(payload, static_cast<std::uint16_t>(one.key.size()));
    payload.append(one.key);
  }
  return payload;
}

Result<RemovedKeys> parse_removed(std::span<const std::byte> payload) {
  io::ByteReader from(payload);
  const auto count = from.number<std::uint32_t>();
  RemovedKeys removed;
  for (std::uint32_t i = 0; i < count && from.ok(); ++i) {
    RemovedKey one{
        .key = {}, .generation = from.number<std::uint64_t>(), .removed_ms = from.number<std::uint64_t>()};
    one.key = from.text(from.number<std::uint16_t>());
    removed.push_back(std::move(one));
  }
  const auto unordered = std::ranges::adjacent_find(removed, std::ranges::greater_equal(), &RemovedKey::key);
  if (!from.ok() || !from.left().empty() || removed.empty() || removed.size() > k_most_removed_keys ||
      unordered != removed.end()) {
    return broken("the removed keys do not parse");
  }
  return removed;
}

Result<std::vector<std::string>> parse_producers(std::span<const std::byte> payload) {
  io::ByteReader from(payload);
  const auto count = from.number<std::uint32_t>();
  std::vector<std::string> producers;
  for (std::uint32_t i = 0; i < count && from.ok(); ++i) {
    producers.emplace_back(from.text(from.number<std::uint16_t>()));
  }
  const auto unordered = std::ranges::adjacent_find(producers, std::greater_equal<>());
  if (!from.ok() || !from.left().empty() || unordered != producers.end()) {
    return broken("the producers do not parse");
  }
  return producers;
}

bool plausible(const PackRecord& pack) {
  return pack.footer_size <= store::k_max_footer_bytes && pack.footer_offset <= pack.size_bytes &&
         pack.footer_size <= pack.size_bytes - pack.footer_offset;
}

Result<std::vector<PackRecord>> parse_packs(std::span<const std::byte> payload,
                                            const std::vector<std::string>& producers) {
  io::ByteReader from(payload);
  AGENT_TRY(const auto count, take_count(from, k_pack_bytes, "the pack table has another size"));
  std::vector<PackRecord> packs;
  packs.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    PackRecord pack;
    pack.digest = take_digest(from);
    for (auto* const number : {&pack.size_bytes, &pack.footer_offset, &pack.footer_size, &pack.live_bytes,
                               &pack.generation, &pack.created_ms}) {
      *number = from.number<std::uint64_t>();
    }
    pack.objects = from.number<std::uint32_t>();
    const auto producer = from.number<std::uint32_t>();
    if (producer >= producers.size() || !plausible(pack) ||
        (!packs.empty() && pack.digest <= packs.back().digest)) {
      return broken("an entry of the pack table is wrong");
    }
    pack.producer = producers[producer];
    packs.push_back(std::move(pack));
  }
  return packs;
}

Result<std::vector<Tombstone>> parse_tombstones(std::span<const std::byte> payload) {
  io::ByteReader from(payload);
  AGENT_TRY(const auto count, take_count(from, k_tombstone_bytes, "the tombstones have another size"));
  std::vector<Tombstone> tombstones;
  tombstones.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto pack = take_digest(from);
    if (!tombstones.empty() && pack <= tombstones.back().pack) {
      return broken("the tombstones are out of order");
    }
    tombstones.push_back({.pack = pack, .removed_ms = from.number<std::uint64_t>()});
  }
  return tombstones;
}

// Sections come by ascending type, so the producers precede the packs that name them.
class SectionParser final {
public:
  explicit SectionParser(Manifest& manifest) : manifest_(manifest) {}

  Result<void> take(std::uint16_t type, std::uint16_t flags, std::span<const std::byte> payload) {
    if (type <= last_type_) {
      return broken("the sections are out of order");
    }
    last_type_ = type;
    if (type == k_producers) {
      AGENT_TRY(producers_, parse_producers(payload));
    } else if (type == k_packs) {
      AGENT_TRY(manifest_.packs, parse_packs(payload, producers_));
    } else if (type == k_tombstones) {
      AGENT_TRY(manifest_.tombstones, parse_tombstones(payload));
    } else if (type == k_removed) {
      AGENT_TRY(manifest_.removed, parse_removed(payload));
    } else if ((flags & k_must_understand) != 0) {
      return fail(Errc::unsupported, "manifest: section {} was written by a newer version", type);
    } else {
      manifest_.foreign.push_back({.type = type, .payload = std::string(io::text_of(payload))});
    }
    return {};
  }

private:
  Manifest& manifest_;
  std::vector<std::string> producers_;
  std::uint16_t last_type_ = 0;
};

}  // namespace

const PackRecord* Manifest::find(const Digest& pack) const {
  const auto found = std::ranges::lower_bound(packs, pack, {}, &PackRecord::digest);
  return found != packs.end() && found->digest == pack ? &*found : nullptr;
}

bool Manifest::buried(const Digest& pack) const {
  return std::ranges::binary_search(tombstones, pack, {}, &Tombstone::pack);
}

bool hides(const RemovedKeys& removed, std::string_view key, std::uint64_t generation) {
  const auto found = std::ranges::lower_bound(removed, key, {}, &RemovedKey::key);
  return found != removed.end() && found->key == key && generation <= found->generation;
}

Result<std::string> encode(const Manifest& manifest) {
  const auto producers = producers_of(manifest);
  std::string bytes(k_magic);
  io::append_le(bytes, k_version);
  io::append_le(bytes,
                static_cast<std::uint32_t>((manifest.removed.empty() ? 3 : 4) + manifest.foreign.size()));
  io::append_le(bytes, manifest.generation);
  append_digest(bytes, manifest.previous.value_or(Digest{}));
  io::append_le(bytes, manifest.created_ms);
  append_section(bytes, k_producers, k_must_understand, encode_producers(producers));
  append_section(bytes, k_packs, k_must_understand, encode_packs(manifest.packs, producers));
  append_section(bytes, k_tombstones, k_must_understand, encode_tombstones(manifest.tombstones));
  if (!manifest.removed.empty()) {
    append_section(bytes, k_removed, k_must_understand, encode_removed(manifest.removed));
  }
  for (const auto& section : manifest.foreign) {
    append_section(bytes, section.type, 0, section.payload);
  }
  if (bytes.size() > k_max_manifest_bytes) {
    return fail(Errc::full, "manifest: {} packs are too many for one tag", manifest.packs.size());
  }
  return bytes;
}

Result<Manifest> parse_manifest(std::span<const std::byte> bytes) {
  io::ByteReader from(bytes);
  if (bytes.size() > k_max_manifest_bytes || from.text(k_magic.size()) != k_magic) {
    return broken("this is none");
  }
  const auto version = from.number<std::uint32_t>();
  if (from.ok() && version != k_version) {
    return fail(Errc::unsupported, "manifest: version {} was written by another version; this one knows {}",
                version, k_version);
  }
  Manifest manifest;
  const auto sections = from.number<std::uint32_t>();
  manifest.generation = from.number<std::uint64_t>();
  const auto previous = take_digest(from);
  if (previous != Digest{}) {
    manifest.previous = previous;
  }
  manifest.created_ms = from.number<std::uint64_t>();
  SectionParser parser(manifest);
  for (std::uint32_t i = 0; i < sections; ++i) {
    const auto type = from.number<std::uint16_t>();
    const auto flags = from.number<std::uint16_t>();
    const auto zero = from.number<std::uint32_t>();
    const auto size = from.number<std::uint64_t>();
    const auto payload = from.take(size);
    if (!from.ok() || zero != 0) {
      return broken("a section does not parse");
    }
    AGENT_CHECK(parser.take(type, flags, payload));
  }
  if (!from.ok() || !from.left().empty() || manifest.generation == 0) {
    return broken("the header or the end does not parse");
  }
  return manifest;
}

Manifest merged(const Manifest& theirs, const std::vector<PackRecord>& mine, const Step& step) {
  auto next = theirs;
  next.generation = step.generation;
  next.previous = step.previous;
  next.created_ms = step.now_ms;
  std::erase_if(next.tombstones, [&](const Tombstone& tombstone) {
    return step.now_ms > k_tombstone_life_ms && tombstone.removed_ms < step.now_ms - k_tombstone_life_ms;
  });
  for (const auto& pack : mine) {
    if (theirs.find(pack.digest) == nullptr && !theirs.buried(pack.digest)) {
      next.packs.push_back(pack);
      next.packs.back().generation = step.generation;
    }
  }
  std::ranges::sort(next.packs, {}, &PackRecord::digest);
  return next;
}

}  // namespace agent::publish
