#include "agent/app/tag_entries.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"

namespace agent::app {

namespace {

constexpr std::uint64_t k_most_at_once = std::uint64_t{8} << 20U;
constexpr std::uint64_t k_gap = std::uint64_t{64} * 1024;  // read over rather than asked around

struct Wanted {
  std::string key;
  publish::RemoteExtent extent;
  Digest digest;

  std::uint64_t end() const { return extent.range.offset + extent.range.size; }
};

// How many of the first ones one answer can bring.
std::size_t neighbours(std::span<const Wanted> wanted) {
  const auto& first = wanted.front();
  std::size_t count = 1;
  while (count < wanted.size()) {
    const auto& next = wanted[count];
    const auto last_end = wanted[count - 1].end();
    const bool near = next.extent.pack_name == first.extent.pack_name &&
                      next.extent.range.offset <= last_end + k_gap &&
                      next.end() - first.extent.range.offset <= k_most_at_once;
    if (!near) {
      break;
    }
    ++count;
  }
  return count;
}

class Fetch final {
public:
  Fetch(publish::TagView& tag, backends::ObjectStorage& storage, const TagReaders& readers)
      : tag_(tag), storage_(storage), readers_(readers) {}

  TagReadFigures run(std::vector<Wanted> wanted) {
    std::ranges::sort(wanted, [](const Wanted& a, const Wanted& b) {
      return std::pair(std::string_view(a.extent.pack_name), a.extent.range.offset) <
             std::pair(std::string_view(b.extent.pack_name), b.extent.range.offset);
    });
    for (auto rest = std::span<const Wanted>(wanted); !rest.empty();) {
      const auto part = rest.first(neighbours(rest));
      read(part);
      rest = rest.subspan(part.size());
    }
    return figures_;
  }

private:
  void read(std::span<const Wanted> part) {
    const auto begin = part.front().extent.range.offset;
    const auto answer =
        storage_.get(part.front().extent.pack_name, {.offset = begin, .size = part.back().end() - begin});
    if (!answer || !*answer || (*answer)->size() < part.back().end() - begin) {
      figures_.unreadable += part.size();
      if (!answer && !figures_.error) {
        figures_.error = answer.error();
      }
      return;
    }
    for (const auto& one : part) {
      const auto bytes =
          std::string_view(**answer).substr(one.extent.range.offset - begin, one.extent.range.size);
      if (io::sha256(io::bytes_of(bytes)) == one.digest) {
        readers_.fetched(one.key, bytes);
      } else {
        ++figures_.corrupt;
        tag_.distrust(one.key);
      }
    }
  }

  publish::TagView& tag_;
  backends::ObjectStorage& storage_;
  const TagReaders& readers_;
  TagReadFigures figures_;
};

}  // namespace

TagReadFigures read_entries(publish::TagView& tag, backends::ObjectStorage& storage, std::string_view prefix,
                            const TagReaders& readers) {
  std::vector<Wanted> wanted;
  tag.each([&](std::string_view key, const publish::TagEntry& entry) {
    if (!key.starts_with(prefix)) {
      return;
    }
    if (const auto* slice = std::get_if<io::FileSlice>(&entry.where)) {
      readers.in_place(key, *slice, entry.crc32c);
    } else {
      wanted.push_back({.key = std::string(key),
                        .extent = std::get<publish::RemoteExtent>(entry.where),
                        .digest = entry.digest});
    }
  });
  return Fetch(tag, storage, readers).run(std::move(wanted));
}

}  // namespace agent::app
