#include "agent/store/segment.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>

namespace agent::store {

namespace {

constexpr std::string_view k_suffix = ".seg";
constexpr std::uint8_t k_stuck = 254;
constexpr std::uint8_t k_taken = 255;

// The first page behind a range that is not empty: an empty one touches no page.
std::size_t page_after(std::uint64_t end) {
  return static_cast<std::size_t>((end + k_page_bytes - 1) / k_page_bytes);
}

}  // namespace

void PageUsers::add(std::uint64_t begin, std::uint64_t end) {
  if (begin >= end) {
    return;
  }
  if (users_.size() < page_after(end)) {
    users_.resize(page_after(end));
  }
  for (auto page = static_cast<std::size_t>(begin / k_page_bytes); page < page_after(end); ++page) {
    users_[page] = static_cast<std::uint8_t>(std::min<int>(users_[page] + 1, k_stuck));
  }
}

void PageUsers::remove(std::uint64_t begin, std::uint64_t end) {
  if (begin >= end) {
    return;
  }
  const auto stop = std::min(page_after(end), users_.size());
  for (auto page = static_cast<std::size_t>(begin / k_page_bytes); page < stop; ++page) {
    if (users_[page] > 0 && users_[page] < k_stuck) {
      --users_[page];
    }
  }
}

std::vector<Hole> PageUsers::take_unused(std::uint64_t begin, std::uint64_t end, std::uint64_t limit) {
  std::vector<Hole> holes;
  const auto stop =
      std::min({page_after(end), users_.size(), static_cast<std::size_t>(limit / k_page_bytes)});
  for (auto page = static_cast<std::size_t>(begin / k_page_bytes); page < stop; ++page) {
    if (users_[page] != 0) {
      continue;
    }
    users_[page] = k_taken;
    const auto offset = std::uint64_t{page} * k_page_bytes;
    if (!holes.empty() && holes.back().offset + holes.back().size == offset) {
      holes.back().size += k_page_bytes;
    } else {
      holes.push_back({.offset = offset, .size = k_page_bytes});
    }
  }
  return holes;
}

void PageUsers::cut(std::uint64_t end) {
  users_.resize(std::min(users_.size(), page_after(end)));
}

std::string segment_name(std::uint64_t number) {
  return fmt::format("{:010}{}", number, k_suffix);
}

std::optional<std::uint64_t> segment_number(std::string_view name) {
  std::uint64_t number = 0;
  const auto* end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(name.data(), end, number);
  if (error != std::errc{} || std::string_view(rest, end) != k_suffix || number == 0 ||
      segment_name(number) != name) {
    return std::nullopt;
  }
  return number;
}

std::uint64_t punch(const Segment& segment, const std::vector<Hole>& holes) {
  std::uint64_t freed = 0;
  for (const auto& hole : holes) {
    if (::fallocate(segment.file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    static_cast<off_t>(hole.offset), static_cast<off_t>(hole.size)) == 0) {
      freed += hole.size;
    }
  }
  return freed;
}

}  // namespace agent::store
