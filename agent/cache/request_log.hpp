// What was looked up and stored in one run, in short: eight bytes of each key and what became of it, so that
// two runs can be laid side by side (the same keys again, or others?). Bounded; what is beyond is counted.
// Thread-safe; noting costs a short lock and no memory beyond the entry.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/guarded.hpp"

namespace agent::cache {

// Eight bytes that stand for a key: the first sixteen hexadecimal digits of its last segment, where that is a
// digest as sccache makes them, else of its SHA-256.
std::uint64_t short_key(std::string_view key);

enum class Outcome : std::uint8_t { hit, absent, backend_error, corrupt, pack_gone, local_disk, off, stored };

// "hit", "absent", "backend error", … as the metrics call the reasons; "stored".
std::string_view name_of(Outcome outcome);

// Sorted, each key once per outcome.
struct Requests {
  std::map<std::string, std::vector<std::uint64_t>> keys;  // outcome -> keys
  std::uint64_t left_out = 0;                              // beyond the bound
};

// A lookup that found nothing. `number` counts misses from 1.
struct RecentMiss {
  std::uint64_t number = 0;
  std::uint64_t key = 0;
  Outcome outcome = Outcome::absent;
};

class RequestLog final {
public:
  static constexpr std::size_t k_most = std::size_t{1} << 17U;
  static constexpr std::size_t k_recent = 12;

  void note(std::string_view key, Outcome outcome);

  Requests requests() const;

  // The last k_recent misses, the newest first, also of those beyond the bound.
  std::vector<RecentMiss> recent_misses() const;

private:
  struct Entry {
    std::uint64_t key = 0;
    Outcome outcome = Outcome::hit;
  };
  struct Entries {
    std::vector<Entry> list;
    std::uint64_t left_out = 0;
    std::array<RecentMiss, k_recent> misses{};  // a ring, by number
    std::uint64_t misses_seen = 0;
  };
  Guarded<Entries> entries_;
};

}  // namespace agent::cache
