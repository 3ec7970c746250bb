// Which records of the local store are none of its objects: evicted, removed, replaced, quarantined, or begun
// and never finished. Without it a restart would bring back what footers and record scans still show, and a
// scan would lose its way where a dead record's header went with its page. The file `dead.log` is described
// in docs/formats.md ("Local store"). Thread-safe: what is known of a record is one appending write. Nothing
// is synced: after a power cut a dead record may come back, with its own bytes or, where they were punched
// out, as a checksum error.
#pragma once

#include <compare>
#include <cstdint>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/io/file.hpp"

namespace agent::store {

struct DeadMark {
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;  // of the payload
  auto operator<=>(const DeadMark&) const = default;
};

// Where a dead record is in its segment, header and padding included.
struct DeadExtent {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;  // 0: not known, the mark is an earlier version's
};

class DeadLog final {
public:
  // Reads the log and drops from it what belongs to none of `segments`. Errors: io, full, denied.
  static Result<DeadLog> open(const io::fs::path& folder, const std::set<std::uint64_t>& segments);

  // Was it marked when the log was opened?
  bool was_dead(const DeadMark& mark) const;

  // What was marked in this segment when the log was opened, by where it begins.
  std::vector<DeadExtent> extents(std::uint64_t segment) const;

  // Frees what was read at opening.
  void forget_old() { std::vector<Known>().swap(old_); }

  // `end`: of the record with its padding. To be called before any of its bytes are given back. A mark that
  // cannot be written (full disk) is logged; the record may come back after a restart.
  void append(const DeadMark& mark, std::uint64_t end) const;

private:
  struct Known {
    DeadMark mark;
    std::uint64_t end = 0;
  };
  static std::vector<Known> parse(std::string_view log, const std::set<std::uint64_t>& segments);

  DeadLog(io::Fd file, std::vector<Known> old) : file_(std::move(file)), old_(std::move(old)) {}

  io::Fd file_;
  std::vector<Known> old_;  // sorted by mark, each once
};

}  // namespace agent::store
