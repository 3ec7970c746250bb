// Which records of the local store are no longer its objects: evicted, removed, replaced or quarantined.
// Without it a restart would bring back what footers and record scans still show. The file `dead.log` is a
// sequence of 16-byte marks (segment number, offset of the payload; both little-endian 64-bit); an
// incomplete last one and marks of segments that do not exist mean nothing, and are dropped at opening.
// Thread-safe: a mark is one appending write. Nothing is synced: after a power cut a dead record may come
// back, with its own bytes or, where they were punched out, as a checksum error.
#pragma once

#include <compare>
#include <cstdint>
#include <set>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/io/file.hpp"

namespace agent::store {

struct DeadMark {
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
  auto operator<=>(const DeadMark&) const = default;
};

class DeadLog final {
public:
  // Reads the log and drops from it what belongs to none of `segments`. Errors: io, full, denied.
  static Result<DeadLog> open(const io::fs::path& folder, const std::set<std::uint64_t>& segments);

  // Was it marked when the log was opened?
  bool was_dead(const DeadMark& mark) const;

  // Frees what was read at opening.
  void forget_old() { std::vector<DeadMark>().swap(old_); }

  // A mark that cannot be written (full disk) is logged; the record may come back after a restart.
  void append(const DeadMark& mark) const;

private:
  DeadLog(io::Fd file, std::vector<DeadMark> old) : file_(std::move(file)), old_(std::move(old)) {}

  io::Fd file_;
  std::vector<DeadMark> old_;  // sorted
};

}  // namespace agent::store
