// Builds a sealed, self-contained pack file from objects at rest; payloads are copied between files inside
// the kernel. Free function, safe from any thread for distinct paths; blocks on the local disk.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/store/pack_format.hpp"
#include "agent/store/store.hpp"

namespace agent::store {

struct PackItem {
  std::string key;
  Stored object;
};

// What a manifest has to know about a pack.
struct BuiltPack {
  std::string id{};  // hexadecimal SHA-256 of the footer: the pack's name
  std::uint64_t size_bytes = 0;
  std::uint64_t footer_offset = 0;
  std::uint64_t footer_size = 0;
  Digest footer_digest{};
  std::uint64_t entries = 0;
  std::uint64_t live_bytes = 0;
};

struct PackOptions {
  std::optional<Nonce> nonce{};  // empty: random, as it must be for every pack that is published
};

// Writes to `path`, which must not exist; it is removed again on failure, and not synced. Objects are
// laid out in the order given; of items with the same key the last one counts.
// Errors: invalid (no items, or limits of pack_format.hpp), corrupt (an object ends early), full, io, denied.
Result<BuiltPack> write_pack(const io::fs::path& path, std::vector<PackItem> items,
                             const PackOptions& options = {});

// From the operating system. Errors: io.
Result<Nonce> random_nonce();

}  // namespace agent::store
