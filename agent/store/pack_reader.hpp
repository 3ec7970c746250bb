// The verified index of one sealed pack, from a local file or from footer bytes fetched by range.
// Immutable after construction, so safe from any thread.
// Errors: corrupt (digest, tail or grammar), unsupported (version), io.
#pragma once

#include <functional>
#include <string>

#include "agent/io/file_slice.hpp"
#include "agent/store/pack_format.hpp"

namespace agent::store {

class PackIndex final {
public:
  // Of a whole pack at hand: tail, then footer.
  static Result<PackIndex> of_file(const io::FileSlice& pack);

  // Of a whole pack whose footer a manifest describes: the tail is not read.
  static Result<PackIndex> of_file(const io::FileSlice& pack, const Tail& footer);

  // Of exactly the footer's bytes, which must have the digest that a manifest or tail gave.
  static Result<PackIndex> of_footer(std::string footer, const Digest& expected);

  // The pack's name: the digest of its footer in hexadecimal.
  std::string id() const { return digest_.hex(); }
  const Digest& footer_digest() const { return digest_; }
  std::uint64_t footer_offset() const { return summary_.footer_offset; }
  std::uint64_t footer_size() const { return footer_.size(); }
  std::uint64_t entries() const { return summary_.entries; }
  std::uint64_t live_bytes() const { return summary_.live_bytes; }

  // Every entry, by ascending key. Keys borrow from this index. Offsets are from the start of the pack.
  void each(const std::function<void(const PackEntry& entry)>& visit) const;

  // Four bytes that find an entry of this index again, for tables over many packs.
  std::uint32_t position_of(const PackEntry& entry) const;
  PackEntry at(std::uint32_t position) const;
  std::string_view key_at(std::uint32_t position) const;

private:
  PackIndex(std::string footer, const Digest& digest, const FooterSummary& summary);

  std::string footer_;
  Digest digest_;
  FooterSummary summary_;
};

}  // namespace agent::store
