// Finds the committed records of a segment that has no footer (docs/formats.md, "Record"), after a crash.
// Steps over extents that were never committed, and over garbage in steps of 8 bytes.
// Used by one thread at a time; reads the file in small pieces, so memory is bounded.
// Errors: io. What does not parse is no error.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/store/pack_format.hpp"

namespace agent::store {

class RecordScanner final {
public:
  // Looks at the first `size` bytes of the file, which must exist.
  RecordScanner(int fd, std::uint64_t size) : fd_(fd), size_(size) {}

  // The next committed record; empty at the end. The key lives until the next call.
  Result<std::optional<PackEntry>> next();

  // Where the last extent seen so far ends, committed or not: new records may go there.
  std::uint64_t tail() const { return tail_; }

private:
  Result<std::span<const std::byte>> window(std::uint64_t offset, std::size_t wanted);
  Result<std::optional<PackEntry>> record_at(const RecordHeader& header);
  bool footer_at(std::span<const std::byte> bytes) const;

  int fd_;
  std::uint64_t size_;
  std::uint64_t at_ = 0;
  std::uint64_t tail_ = 0;
  std::uint64_t window_offset_ = 0;
  std::vector<std::byte> window_;
};

}  // namespace agent::store
