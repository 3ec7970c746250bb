// The bytes of a pack (docs/formats.md, "Pack", is the grammar): records, footer, tail. Pure functions over
// memory, safe from any thread; every parser is bounded by the bytes it is given.
// Errors: unsupported (a version this program does not know), corrupt (everything else that does not parse),
// invalid (what was to be written breaks a limit).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "agent/core/digest.hpp"
#include "agent/core/result.hpp"

namespace agent::store {

constexpr std::size_t k_max_key_bytes = 1024;
constexpr std::uint64_t k_max_object_bytes = std::uint64_t{4} << 30U;
constexpr std::size_t k_max_pack_entries = std::size_t{1} << 20U;
constexpr std::uint64_t k_max_footer_bytes = std::uint64_t{256} << 20U;

constexpr std::size_t k_record_alignment = 8;
constexpr std::size_t k_record_header_bytes = 24;
constexpr std::size_t k_trailer_fixed_bytes = 52;  // without the key
constexpr std::size_t k_footer_fixed_bytes = 48;   // without the entries
constexpr std::size_t k_entry_fixed_bytes = 56;    // without the key
constexpr std::size_t k_tail_bytes = 64;

using Nonce = std::array<std::uint8_t, 16>;

constexpr bool valid_key_size(std::size_t bytes) {
  return bytes >= 1 && bytes <= k_max_key_bytes;
}

struct RecordHeader {
  std::uint64_t payload_size = 0;
  std::uint16_t key_room = k_max_key_bytes;
};

// Bytes from the header to the end of the padding; the next record may start there.
constexpr std::uint64_t record_extent(const RecordHeader& header) {
  const auto bytes =
      k_record_header_bytes + header.payload_size + k_trailer_fixed_bytes + std::uint64_t{header.key_room};
  return (bytes + k_record_alignment - 1) / k_record_alignment * k_record_alignment;
}

using RecordHeaderBytes = std::array<std::byte, k_record_header_bytes>;
RecordHeaderBytes encode_record_header(const RecordHeader& header);

// Empty where these are not a valid header's bytes.
std::optional<RecordHeader> decode_record_header(std::span<const std::byte> bytes);

// What a record says about its object; also an entry of a footer. `key` borrows.
struct PackEntry {
  std::string_view key{};
  std::uint64_t offset = 0;  // of the payload, from the start of the pack
  std::uint64_t size = 0;
  Digest digest{};
  std::uint32_t crc32c = 0;
};

// `offset` is not written here. The key must fit the header's room.
std::string encode_record_trailer(const RecordHeader& header, const PackEntry& entry);

// The committed record's entry, without its offset; empty where the record was never committed. `bytes` start
// after the payload; the key borrows from them.
std::optional<PackEntry> decode_record_trailer(const RecordHeader& header, std::span<const std::byte> bytes);

// Builds a footer. Entries must come with strictly ascending keys.
class FooterBuilder final {
public:
  // Errors: invalid (key or object size, order, number of entries, size of the footer).
  Result<void> add(const PackEntry& entry);

  std::size_t entries() const { return entries_; }
  std::uint64_t live_bytes() const { return live_bytes_; }

  // The footer's bytes. Errors: invalid (no entries).
  Result<std::string> finish(std::uint64_t footer_offset, const Nonce& nonce) &&;

private:
  std::string entry_bytes_;
  std::string last_key_;
  std::size_t entries_ = 0;
  std::uint64_t live_bytes_ = 0;
};

struct Tail {
  std::uint64_t footer_offset = 0;
  std::uint64_t footer_size = 0;
  Digest footer_digest{};
  bool operator==(const Tail&) const = default;
};

using TailBytes = std::array<std::byte, k_tail_bytes>;
TailBytes encode_tail(const Tail& tail);

// `pack_size` is the whole pack's; the tail must describe exactly that.
Result<Tail> decode_tail(std::span<const std::byte> bytes, std::uint64_t pack_size);

struct FooterSummary {
  std::size_t entries = 0;
  std::uint64_t live_bytes = 0;
  std::uint64_t footer_offset = 0;
  Nonce nonce{};
};

// Reads only the fixed part.
Result<FooterSummary> decode_footer_summary(std::span<const std::byte> footer);

// The entry at the front of `bytes`, as the grammar of one entry goes; empty where it does not parse. The key
// borrows.
std::optional<PackEntry> decode_footer_entry(std::span<const std::byte> bytes);

// Walks the entries of a footer. Each is checked as it is read: sizes, order, and that the payload lies
// before the footer. After the last one `next` is empty, and then sums and trailing bytes were checked too.
class FooterCursor final {
public:
  FooterCursor(std::span<const std::byte> footer, const FooterSummary& summary);
  Result<std::optional<PackEntry>> next();

private:
  std::span<const std::byte> left_;
  FooterSummary summary_;
  std::size_t done_ = 0;
  std::uint64_t bytes_ = 0;
  std::string_view last_key_;
};

}  // namespace agent::store
