#include "agent/store/record_scanner.hpp"

#include <algorithm>

#include "agent/io/fd.hpp"

namespace agent::store {

namespace {

constexpr std::uint64_t k_window_bytes = std::uint64_t{16} << 10U;

// First position a multiple of 8 behind `from` where a header or a footer may start, or the end of the bytes
// that can be judged.
std::size_t next_candidate(std::span<const std::byte> bytes, std::size_t from) {
  while (from < bytes.size() && bytes[from] != std::byte{'H'}) {
    from += k_record_alignment;
  }
  return from;
}

}  // namespace

// At least `wanted` bytes from `offset` on, or all there are.
Result<std::span<const std::byte>> RecordScanner::window(std::uint64_t offset, std::size_t wanted) {
  const auto available = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, size_ - offset));
  if (offset < window_offset_ || offset + available > window_offset_ + window_.size()) {
    window_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(k_window_bytes, size_ - offset)));
    window_offset_ = offset;
    if (auto read = io::read_exact_at(fd_, window_, offset, "segment"); !read) {
      window_.clear();
      return std::unexpected(std::move(read).error());
    }
  }
  return std::span<const std::byte>(window_).subspan(static_cast<std::size_t>(offset - window_offset_));
}

bool RecordScanner::footer_at(std::span<const std::byte> bytes) const {
  const auto summary = decode_footer_summary(bytes);
  return summary && summary->footer_offset == at_;
}

// The record whose header is at `at_`; moves behind it whether or not it was committed.
Result<std::optional<PackEntry>> RecordScanner::record_at(const RecordHeader& header) {
  const auto payload = at_ + k_record_header_bytes;
  const auto reserved_end = at_ + record_extent(header);
  const auto trailer_offset = payload + header.payload_size;
  if (trailer_offset + k_trailer_fixed_bytes > size_) {  // cut off within the record: nothing can follow
    at_ = size_;
    return std::optional<PackEntry>{};
  }
  AGENT_TRY(const auto trailer, window(trailer_offset, k_trailer_fixed_bytes + header.key_room));
  auto entry = decode_record_trailer(header, trailer);
  if (entry) {
    entry->offset = payload;
    const RecordHeader used{.payload_size = header.payload_size,
                            .key_room = static_cast<std::uint16_t>(entry->key.size())};
    at_ += record_extent(used);
  } else {
    at_ = reserved_end;
  }
  tail_ = at_;  // may lie up to a padding behind the end of the file
  return entry;
}

// The first dead extent that does not begin before `at_`; empty: none.
const DeadExtent* RecordScanner::dead_from_here_on() {
  while (next_dead_ < dead_.size() && dead_[next_dead_].begin < at_) {
    ++next_dead_;
  }
  return next_dead_ < dead_.size() ? &dead_[next_dead_] : nullptr;
}

// Behind the end of the file only padding can be missing; an extent that is cut off elsewhere ends the scan.
void RecordScanner::step_over(const DeadExtent& dead) {
  at_ = dead.end;
  if (at_ < size_ + k_record_alignment) {
    tail_ = at_;
  }
}

Result<std::optional<PackEntry>> RecordScanner::next() {
  while (at_ + k_record_header_bytes <= size_) {
    const auto* dead = dead_from_here_on();
    const bool dead_here = dead != nullptr && dead->begin == at_;
    if (dead_here && dead->end > at_) {
      step_over(*dead);
      continue;
    }
    AGENT_TRY(const auto bytes, window(at_, k_footer_fixed_bytes));
    if (const auto header = decode_record_header(bytes.first(k_record_header_bytes))) {
      AGENT_TRY(auto entry, record_at(*header));
      if (entry) {
        return entry;
      }
      continue;
    }
    if (footer_at(bytes)) {
      break;
    }
    if (dead_here) {
      lost_at_ = at_;
      break;
    }
    const auto candidate = at_ + next_candidate(bytes, k_record_alignment);
    at_ = dead != nullptr ? std::min(candidate, dead->begin) : candidate;
  }
  at_ = size_;
  return std::optional<PackEntry>{};
}

}  // namespace agent::store
