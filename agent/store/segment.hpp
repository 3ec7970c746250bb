// One file of the local store: records of the pack format, growing at its tail until it is closed and sealed.
// A resource; the fixed members are safe from any thread, the rest belongs to Space (space.hpp), which guards
// it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/io/fd.hpp"
#include "agent/io/file.hpp"

namespace agent::store {

// What a hole is punched in. File systems with larger blocks free less than is counted.
constexpr std::uint64_t k_page_bytes = 4096;

constexpr std::uint64_t whole_pages(std::uint64_t bytes) {
  return (bytes + k_page_bytes - 1) / k_page_bytes * k_page_bytes;
}

struct Hole {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

// How many records touch each page, so that a page is given back when the last of them goes. A record takes
// at least 80 bytes, so a page has fewer than 55 users; a count that a damaged footer drives to the limit
// sticks there, and the page is kept.
class PageUsers final {
public:
  void add(std::uint64_t begin, std::uint64_t end);
  void remove(std::uint64_t begin, std::uint64_t end);

  // The pages touching [begin, end) that end at or before `limit` and that nobody uses; they are not
  // returned again.
  std::vector<Hole> take_unused(std::uint64_t begin, std::uint64_t end, std::uint64_t limit);

  // Forgets every page behind the one that holds byte `end` - 1.
  void cut(std::uint64_t end);

private:
  std::vector<std::uint8_t> users_;
};

enum class Phase : std::uint8_t {
  open,     // takes reservations
  closing,  // takes none; waits for its writers
  sealing,  // a thread writes its footer
  sealed,   // final; goes when its last user goes
};

struct Segment final {
  Segment(std::uint64_t its_number, io::fs::path its_path, io::Fd its_file)
      : number(its_number), path(std::move(its_path)), file(std::move(its_file)) {}

  const std::uint64_t number;
  const io::fs::path path;
  const io::Fd file;

  // Guarded by Space.
  Phase phase = Phase::open;
  std::uint64_t tail = 0;         // end of the last extent; in a sealed one the footer's offset
  std::uint64_t end = 0;          // of the footer; 0 where there is none
  std::uint64_t allocated = 0;    // of disk, whole pages, holes included
  std::uint64_t freed = 0;        // of that, holes
  std::uint64_t footer_room = 0;  // bytes of the footer entries of all extents so far
  std::uint64_t entries = 0;      // extents so far
  std::uint64_t writers = 0;      // extents being written
  std::uint64_t users = 0;        // extents being written, records in the index, pinned ones
  PageUsers pages;
};

// The file's name in the store's folder, "0000000012.seg", and back; empty where it is none.
std::string segment_name(std::uint64_t number);
std::optional<std::uint64_t> segment_number(std::string_view name);

// Gives the pages back to the file system; returns how many bytes that freed (0 where it has no holes).
std::uint64_t punch(const Segment& segment, const std::vector<Hole>& holes);

}  // namespace agent::store
