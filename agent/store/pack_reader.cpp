#include "agent/store/pack_reader.hpp"

#include <array>
#include <span>
#include <utility>

#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/little_endian.hpp"

namespace agent::store {

PackIndex::PackIndex(std::string footer, const Digest& digest, const FooterSummary& summary)
    : footer_(std::move(footer)), digest_(digest), summary_(summary) {}

Result<PackIndex> PackIndex::of_file(const io::FileSlice& pack) {
  if (pack.size < k_tail_bytes) {
    return fail(Errc::corrupt, "pack: {} bytes are too few", pack.size);
  }
  TailBytes bytes{};
  AGENT_CHECK(io::read_exact_at(pack.fd, bytes, pack.offset + pack.size - k_tail_bytes, "pack tail"));
  AGENT_TRY(const auto tail, decode_tail(bytes, pack.size));
  return of_file(pack, tail);
}

Result<PackIndex> PackIndex::of_file(const io::FileSlice& pack, const Tail& footer) {
  if (footer.footer_size > k_max_footer_bytes || footer.footer_offset > pack.size ||
      footer.footer_size > pack.size - footer.footer_offset) {
    return fail(Errc::corrupt, "pack: a footer of {} bytes at {} in {} bytes", footer.footer_size,
                footer.footer_offset, pack.size);
  }
  std::string bytes(footer.footer_size, '\0');
  AGENT_CHECK(io::read_exact_at(pack.fd, std::as_writable_bytes(std::span(bytes)),
                                pack.offset + footer.footer_offset, "pack footer"));
  AGENT_TRY(auto index, of_footer(std::move(bytes), footer.footer_digest));
  if (index.footer_offset() != footer.footer_offset) {
    return fail(Errc::corrupt, "pack: the footer at {} says it is at {}", footer.footer_offset,
                index.footer_offset());
  }
  return index;
}

Result<PackIndex> PackIndex::of_footer(std::string footer, const Digest& expected) {
  if (io::sha256(io::bytes_of(footer)) != expected) {
    return fail(Errc::corrupt, "pack {}: the footer has another digest", expected.hex());
  }
  AGENT_TRY(const auto summary, decode_footer_summary(io::bytes_of(footer)));
  FooterCursor cursor(io::bytes_of(footer), summary);
  while (true) {
    AGENT_TRY(const auto entry, cursor.next());
    if (!entry) {
      return PackIndex(std::move(footer), expected, summary);
    }
  }
}

void PackIndex::each(const std::function<void(const PackEntry& entry)>& visit) const {
  FooterCursor cursor(io::bytes_of(footer_), summary_);
  for (auto entry = cursor.next(); entry && *entry; entry = cursor.next()) {
    visit(**entry);
  }
}

// Footers are at most 256 MiB, and the key stands right behind its entry's fixed part.
std::uint32_t PackIndex::position_of(const PackEntry& entry) const {
  return static_cast<std::uint32_t>(static_cast<std::size_t>(entry.key.data() - footer_.data()) -
                                    k_entry_fixed_bytes);
}

PackEntry PackIndex::at(std::uint32_t position) const {
  // Every entry was checked when the index was made.
  return decode_footer_entry(io::bytes_of(footer_).subspan(position)).value_or(PackEntry{});
}

std::string_view PackIndex::key_at(std::uint32_t position) const {
  const auto entry = io::bytes_of(footer_).subspan(position);
  return std::string_view(footer_).substr(position + k_entry_fixed_bytes, io::load_le<std::uint16_t>(entry));
}

}  // namespace agent::store
