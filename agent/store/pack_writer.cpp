#include "agent/store/pack_writer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agent/io/checksum.hpp"
#include "agent/io/random.hpp"

namespace agent::store {

namespace {

// The last item of each key, in the order given.
void drop_replaced(std::vector<PackItem>& items) {
  std::vector<std::size_t> order(items.size());
  std::ranges::generate(order, [next = std::size_t{0}]() mutable { return next++; });
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return std::string_view(items[i].key); });
  std::vector<bool> replaced(items.size());
  for (std::size_t i = 0; i + 1 < order.size(); ++i) {
    replaced[order[i]] = items[order[i]].key == items[order[i + 1]].key;
  }
  std::size_t at = 0;
  std::erase_if(items, [&](const PackItem&) { return replaced[at++]; });
}

Result<void> check_item(const PackItem& item) {
  if (!valid_key_size(item.key.size()) || item.object.slice.size > k_max_object_bytes) {
    return fail(Errc::invalid, "pack: a key of {} bytes with an object of {} bytes", item.key.size(),
                item.object.slice.size);
  }
  return {};
}

// Appends the record and returns its entry, which borrows the item's key.
Result<PackEntry> write_record(int fd, std::uint64_t at, const PackItem& item, std::string_view name) {
  const RecordHeader header{.payload_size = item.object.slice.size,
                            .key_room = static_cast<std::uint16_t>(item.key.size())};
  const PackEntry entry{.key = item.key,
                        .offset = at + k_record_header_bytes,
                        .size = item.object.slice.size,
                        .digest = item.object.digest,
                        .crc32c = item.object.crc32c};
  AGENT_CHECK(io::write_all_at(fd, encode_record_header(header), at, name));
  AGENT_CHECK(io::copy_range({.from = item.object.slice.fd,
                              .from_offset = item.object.slice.offset,
                              .to = fd,
                              .to_offset = entry.offset,
                              .size = entry.size},
                             name));
  auto trailer = encode_record_trailer(header, entry);
  trailer.resize(record_extent(header) - k_record_header_bytes - entry.size, '\0');
  AGENT_CHECK(io::write_all_at(fd, io::bytes_of(trailer), entry.offset + entry.size, name));
  return entry;
}

Result<BuiltPack> write_footer(int fd, std::uint64_t at, std::vector<PackEntry> entries, const Nonce& nonce,
                               std::string_view name) {
  std::ranges::sort(entries, {}, &PackEntry::key);
  FooterBuilder builder;
  for (const auto& entry : entries) {
    AGENT_CHECK(builder.add(entry));
  }
  BuiltPack pack{.id = {},
                 .size_bytes = 0,
                 .footer_offset = at,
                 .footer_size = 0,
                 .footer_digest = {},
                 .entries = builder.entries(),
                 .live_bytes = builder.live_bytes()};
  AGENT_TRY(const auto footer, std::move(builder).finish(at, nonce));
  pack.footer_size = footer.size();
  pack.footer_digest = io::sha256(io::bytes_of(footer));
  pack.id = pack.footer_digest.hex();
  pack.size_bytes = at + footer.size() + k_tail_bytes;
  const Tail tail{.footer_offset = at, .footer_size = footer.size(), .footer_digest = pack.footer_digest};
  AGENT_CHECK(io::write_all_at(fd, io::bytes_of(footer), at, name));
  AGENT_CHECK(io::write_all_at(fd, encode_tail(tail), at + footer.size(), name));
  return pack;
}

Result<BuiltPack> write_into(int fd, const std::vector<PackItem>& items, const Nonce& nonce,
                             std::string_view name) {
  std::uint64_t at = 0;
  std::vector<PackEntry> entries;
  entries.reserve(items.size());
  for (const auto& item : items) {
    AGENT_TRY(const auto entry, write_record(fd, at, item, name));
    at +=
        record_extent({.payload_size = entry.size, .key_room = static_cast<std::uint16_t>(entry.key.size())});
    entries.push_back(entry);
  }
  return write_footer(fd, at, std::move(entries), nonce, name);
}

}  // namespace

Result<Nonce> random_nonce() {
  Nonce nonce{};
  AGENT_TRY(const auto bytes, io::random_bytes(nonce.size()));
  std::memcpy(nonce.data(), bytes.data(), nonce.size());
  return nonce;
}

Result<BuiltPack> write_pack(const io::fs::path& path, std::vector<PackItem> items,
                             const PackOptions& options) {
  drop_replaced(items);
  if (items.empty() || items.size() > k_max_pack_entries) {
    return fail(Errc::invalid, "pack: {} objects; 1 to {} are allowed", items.size(), k_max_pack_entries);
  }
  for (const auto& item : items) {
    AGENT_CHECK(check_item(item));
  }
  auto nonce = options.nonce ? Result<Nonce>(*options.nonce) : random_nonce();
  AGENT_CHECK(nonce);
  AGENT_TRY(const auto file, io::open_file(path, O_RDWR | O_CREAT | O_EXCL));
  auto pack = write_into(file.get(), items, *nonce, path.string());
  if (!pack) {
    ::unlink(path.c_str());
  }
  return pack;
}

}  // namespace agent::store
