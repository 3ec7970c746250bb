// Footers, tails and records as anybody may have written them.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "agent/store/pack_format.hpp"
#include "agent/store/pack_reader.hpp"
#include "agent/store/record_scanner.hpp"

namespace {

using namespace agent;

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

// The digest is made to fit: the fuzzer is after the grammar, not after SHA-256.
void read_footer(std::span<const std::byte> bytes) {
  const auto index = store::PackIndex::of_footer(std::string(io::text_of(bytes)), io::sha256(bytes));
  if (!index) {
    return;
  }
  std::uint64_t entries = 0;
  std::uint64_t live = 0;
  index->each([&](const store::PackEntry& entry) {
    require(store::valid_key_size(entry.key.size()));
    require(entry.offset + entry.size <= index->footer_offset());
    ++entries;
    live += entry.size;
  });
  require(entries == index->entries() && live == index->live_bytes());
}

void scan_records(std::span<const std::byte> bytes, std::vector<store::DeadExtent> dead) {
  const io::Fd file(::memfd_create("pack_fuzz", MFD_CLOEXEC));
  require(file.valid() && io::write_all_at(file.get(), bytes, 0, "input").has_value());
  store::RecordScanner scanner(file.get(), bytes.size(), std::move(dead));
  std::uint64_t last = 0;
  for (auto entry = scanner.next(); entry && *entry; entry = scanner.next()) {
    require((*entry)->offset > last && (*entry)->offset + (*entry)->size <= bytes.size());
    last = (*entry)->offset;
  }
}

// What a log might say of it: each byte of the first few is a distance to the next place, in steps of 8.
std::vector<store::DeadExtent> some_dead(std::span<const std::byte> bytes) {
  constexpr std::size_t k_most = 8;
  std::vector<store::DeadExtent> dead;
  std::uint64_t at = 0;
  for (const auto byte : bytes.first(std::min(bytes.size(), k_most))) {
    const auto from =
        std::exchange(at, at + (std::to_integer<std::uint64_t>(byte) * store::k_record_alignment));
    dead.push_back({.begin = from, .end = at});
  }
  return dead;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(input, size));
  read_footer(bytes);
  scan_records(bytes, {});
  scan_records(bytes, some_dead(bytes));
  if (size >= store::k_tail_bytes) {
    static_cast<void>(store::decode_tail(bytes.last(store::k_tail_bytes), size).has_value());
  }
  const store::RecordHeader header{.payload_size = 0, .key_room = store::k_max_key_bytes};
  static_cast<void>(store::decode_record_trailer(header, bytes).has_value());
  return 0;
}
