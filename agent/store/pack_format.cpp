#include "agent/store/pack_format.hpp"

#include <algorithm>
#include <cstring>

#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/little_endian.hpp"

namespace agent::store {

namespace {

constexpr std::string_view k_header_magic = "HRec";
constexpr std::string_view k_trailer_magic = "HTrl";
constexpr std::string_view k_commit_mark = "HEnd";
constexpr std::string_view k_footer_magic = "HRTHFOOT";
constexpr std::string_view k_tail_magic = "HRTHPACK";
constexpr std::uint32_t k_version = 1;
constexpr std::size_t k_header_checked_bytes = 20;
constexpr std::size_t k_trailer_before_key = 44;
constexpr std::size_t k_tail_checked_bytes = 52;

void append_digest(std::string& to, const Digest& digest) {
  to.append(io::text_of(std::as_bytes(std::span(digest.bytes))));
}

Digest take_digest(io::ByteReader& from) {
  Digest digest;
  const auto bytes = from.take(digest.bytes.size());
  if (from.ok()) {
    std::memcpy(digest.bytes.data(), bytes.data(), bytes.size());
  }
  return digest;
}

template <std::size_t Size>
std::array<std::byte, Size> fixed(const std::string& bytes) {
  std::array<std::byte, Size> array{};
  std::memcpy(array.data(), bytes.data(), std::min(Size, bytes.size()));
  return array;
}

// Binds a trailer to its header. The header's own checksum is left out: a CRC over bytes and their CRC is the
// same for all bytes.
std::uint32_t trailer_check(const RecordHeader& header, std::span<const std::byte> trailer) {
  const auto bytes = encode_record_header(header);
  return io::crc32c(trailer, io::crc32c(std::span(bytes).first(k_header_checked_bytes)));
}

}  // namespace

RecordHeaderBytes encode_record_header(const RecordHeader& header) {
  std::string bytes(k_header_magic);
  io::append_le(bytes, static_cast<std::uint8_t>(k_version));
  io::append_le(bytes, std::uint8_t{0});
  io::append_le(bytes, header.key_room);
  io::append_le(bytes, header.payload_size);
  io::append_le(bytes, std::uint32_t{0});
  io::append_le(bytes, io::crc32c(io::bytes_of(bytes)));
  return fixed<k_record_header_bytes>(bytes);
}

std::optional<RecordHeader> decode_record_header(std::span<const std::byte> bytes) {
  io::ByteReader reader(bytes);
  if (reader.text(k_header_magic.size()) != k_header_magic || bytes.size() < k_record_header_bytes) {
    return std::nullopt;
  }
  const auto version = reader.number<std::uint8_t>();
  const auto flags = reader.number<std::uint8_t>();
  RecordHeader header;
  header.key_room = reader.number<std::uint16_t>();
  header.payload_size = reader.number<std::uint64_t>();
  const auto zero = reader.number<std::uint32_t>();
  const auto check = reader.number<std::uint32_t>();
  if (version != k_version || flags != 0 || zero != 0 || !valid_key_size(header.key_room) ||
      header.payload_size > k_max_object_bytes || check != io::crc32c(bytes.first(k_header_checked_bytes))) {
    return std::nullopt;
  }
  return header;
}

std::string encode_record_trailer(const RecordHeader& header, const PackEntry& entry) {
  std::string bytes;
  bytes.reserve(k_trailer_fixed_bytes + entry.key.size());
  bytes.append(k_trailer_magic);
  io::append_le(bytes, static_cast<std::uint16_t>(entry.key.size()));
  io::append_le(bytes, std::uint16_t{0});
  append_digest(bytes, entry.digest);
  io::append_le(bytes, entry.crc32c);
  bytes.append(entry.key);
  io::append_le(bytes, trailer_check(header, io::bytes_of(bytes)));
  bytes.append(k_commit_mark);
  return bytes;
}

std::optional<PackEntry> decode_record_trailer(const RecordHeader& header, std::span<const std::byte> bytes) {
  io::ByteReader reader(bytes);
  if (reader.text(k_trailer_magic.size()) != k_trailer_magic) {
    return std::nullopt;
  }
  const auto key_size = reader.number<std::uint16_t>();
  const auto zero = reader.number<std::uint16_t>();
  PackEntry entry{.key = {}, .offset = 0, .size = header.payload_size, .digest = {}, .crc32c = 0};
  entry.digest = take_digest(reader);
  entry.crc32c = reader.number<std::uint32_t>();
  entry.key = reader.text(key_size);
  const auto check = reader.number<std::uint32_t>();
  const auto mark = reader.text(k_commit_mark.size());
  if (!reader.ok() || zero != 0 || !valid_key_size(key_size) || key_size > header.key_room ||
      mark != k_commit_mark) {
    return std::nullopt;
  }
  if (check != trailer_check(header, bytes.first(k_trailer_before_key + key_size))) {
    return std::nullopt;
  }
  return entry;
}

Result<void> FooterBuilder::add(const PackEntry& entry) {
  if (!valid_key_size(entry.key.size())) {
    return fail(Errc::invalid, "pack: a key of {} bytes; 1 to {} are allowed", entry.key.size(),
                k_max_key_bytes);
  }
  if (entry.size > k_max_object_bytes) {
    return fail(Errc::invalid, "pack: object {} has {} bytes; at most {} are allowed", entry.key, entry.size,
                k_max_object_bytes);
  }
  if (entries_ > 0 && entry.key <= last_key_) {
    return fail(Errc::invalid, "pack: key {} does not follow {}", entry.key, last_key_);
  }
  const auto footer_size =
      k_footer_fixed_bytes + entry_bytes_.size() + k_entry_fixed_bytes + entry.key.size();
  if (entries_ == k_max_pack_entries || footer_size > k_max_footer_bytes) {
    return fail(Errc::invalid, "pack: too many entries for one footer ({})", entries_ + 1);
  }
  io::append_le(entry_bytes_, static_cast<std::uint16_t>(entry.key.size()));
  io::append_le(entry_bytes_, std::uint16_t{0});
  io::append_le(entry_bytes_, entry.crc32c);
  io::append_le(entry_bytes_, entry.offset);
  io::append_le(entry_bytes_, entry.size);
  append_digest(entry_bytes_, entry.digest);
  entry_bytes_.append(entry.key);
  last_key_.assign(entry.key);
  ++entries_;
  live_bytes_ += entry.size;
  return {};
}

Result<std::string> FooterBuilder::finish(std::uint64_t footer_offset, const Nonce& nonce) && {
  if (entries_ == 0) {
    return fail(Errc::invalid, "pack: no entries");
  }
  std::string footer(k_footer_magic);
  footer.reserve(k_footer_fixed_bytes + entry_bytes_.size());
  io::append_le(footer, k_version);
  io::append_le(footer, static_cast<std::uint32_t>(entries_));
  footer.append(io::text_of(std::as_bytes(std::span(nonce))));
  io::append_le(footer, live_bytes_);
  io::append_le(footer, footer_offset);
  footer.append(entry_bytes_);
  return footer;
}

TailBytes encode_tail(const Tail& tail) {
  std::string bytes;
  io::append_le(bytes, tail.footer_offset);
  io::append_le(bytes, tail.footer_size);
  append_digest(bytes, tail.footer_digest);
  io::append_le(bytes, k_version);
  io::append_le(bytes, io::crc32c(io::bytes_of(bytes)));
  bytes.append(k_tail_magic);
  return fixed<k_tail_bytes>(bytes);
}

Result<Tail> decode_tail(std::span<const std::byte> bytes, std::uint64_t pack_size) {
  if (bytes.size() != k_tail_bytes || !io::text_of(bytes).ends_with(k_tail_magic)) {
    return fail(Errc::corrupt, "pack: no tail");
  }
  io::ByteReader reader(bytes);
  Tail tail;
  tail.footer_offset = reader.number<std::uint64_t>();
  tail.footer_size = reader.number<std::uint64_t>();
  tail.footer_digest = take_digest(reader);
  const auto version = reader.number<std::uint32_t>();
  const auto check = reader.number<std::uint32_t>();
  if (check != io::crc32c(bytes.first(k_tail_checked_bytes))) {
    return fail(Errc::corrupt, "pack: the tail's checksum is wrong");
  }
  if (version != k_version) {
    return fail(Errc::unsupported, "pack: version {}", version);
  }
  if (tail.footer_size > k_max_footer_bytes || tail.footer_size > pack_size ||
      tail.footer_offset > pack_size || tail.footer_offset + tail.footer_size + k_tail_bytes != pack_size) {
    return fail(Errc::corrupt, "pack: the tail does not fit a pack of {} bytes", pack_size);
  }
  return tail;
}

Result<FooterSummary> decode_footer_summary(std::span<const std::byte> footer) {
  io::ByteReader reader(footer);
  if (reader.text(k_footer_magic.size()) != k_footer_magic) {
    return fail(Errc::corrupt, "pack: no footer");
  }
  const auto version = reader.number<std::uint32_t>();
  FooterSummary summary;
  summary.entries = reader.number<std::uint32_t>();
  const auto nonce = reader.take(summary.nonce.size());
  summary.live_bytes = reader.number<std::uint64_t>();
  summary.footer_offset = reader.number<std::uint64_t>();
  if (!reader.ok() || footer.size() > k_max_footer_bytes) {
    return fail(Errc::corrupt, "pack: a footer of {} bytes", footer.size());
  }
  if (version != k_version) {
    return fail(Errc::unsupported, "pack: footer version {}", version);
  }
  if (summary.entries == 0 || summary.entries > k_max_pack_entries ||
      summary.footer_offset % k_record_alignment != 0) {
    return fail(Errc::corrupt, "pack: {} entries and a footer at {}", summary.entries, summary.footer_offset);
  }
  std::memcpy(summary.nonce.data(), nonce.data(), nonce.size());
  return summary;
}

std::optional<PackEntry> decode_footer_entry(std::span<const std::byte> bytes) {
  io::ByteReader reader(bytes);
  const auto key_size = reader.number<std::uint16_t>();
  const auto zero = reader.number<std::uint16_t>();
  PackEntry entry;
  entry.crc32c = reader.number<std::uint32_t>();
  entry.offset = reader.number<std::uint64_t>();
  entry.size = reader.number<std::uint64_t>();
  entry.digest = take_digest(reader);
  entry.key = reader.text(key_size);
  if (!reader.ok() || zero != 0 || !valid_key_size(key_size)) {
    return std::nullopt;
  }
  return entry;
}

FooterCursor::FooterCursor(std::span<const std::byte> footer, const FooterSummary& summary)
    : left_(footer.subspan(std::min(footer.size(), k_footer_fixed_bytes))), summary_(summary) {}

Result<std::optional<PackEntry>> FooterCursor::next() {
  if (done_ == summary_.entries) {
    if (!left_.empty() || bytes_ != summary_.live_bytes) {
      return fail(Errc::corrupt, "pack: the footer's sums do not match its entries");
    }
    return std::optional<PackEntry>{};
  }
  const auto parsed = decode_footer_entry(left_);
  if (!parsed || (done_ > 0 && parsed->key <= last_key_)) {
    return fail(Errc::corrupt, "pack: entry {} of the footer does not parse", done_);
  }
  const auto& entry = *parsed;
  if (entry.size > k_max_object_bytes || entry.offset < k_record_header_bytes ||
      entry.offset > summary_.footer_offset || entry.size > summary_.footer_offset - entry.offset) {
    return fail(Errc::corrupt, "pack: entry {} lies outside the pack", done_);
  }
  left_ = left_.subspan(k_entry_fixed_bytes + entry.key.size());
  last_key_ = entry.key;
  bytes_ += entry.size;
  ++done_;
  return parsed;
}

}  // namespace agent::store
