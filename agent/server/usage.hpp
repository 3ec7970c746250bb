// What there is to see of a workspace: tags, how well they do, who used them, what was missed. For the status
// calls of the API and for the page for people. Values; one function that reads them. Thread-safe; blocks on
// the storage. Errors: those of the storage, corrupt, unsupported.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/server/call.hpp"
#include "agent/server/reports.hpp"

namespace agent::server {

struct TagUse {
  enum class Kind : std::uint8_t {
    entry,   // of the API: a pointer at an entry
    rows,    // of the API: key rows
    hearth,  // of Hearth's own storage: what `hearth ls` lists
  };
  Kind kind = Kind::entry;
  std::string name;                    // as people know it
  std::optional<std::uint64_t> bytes;  // empty: not known without reading all of it
  std::optional<std::uint64_t> rows;   // of key rows: how many at most; of Hearth's: objects in its packs
  std::uint64_t published_ms = 0;      // since 1970
  std::uint64_t restores = 0;          // in the period
  std::string producer;                // who published last: the token's id and name; empty: not recorded
};

struct DayUse {
  Day day = 0;  // date_of() writes it
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t errors = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
  std::uint64_t sessions = 0;
};

struct Usage {
  std::uint64_t generated_ms = 0;
  std::vector<TagUse> tags;        // the last published first
  std::uint64_t total_bytes = 0;   // of everything that the tags refer to, packs as well
  std::vector<DayUse> days;        // the oldest first, without a gap, today last
  DayReport period;                // of all these days together: tools, sessions, missed keys
  std::optional<double> hit_rate;  // of the period
  std::uint64_t versions = 0;      // how often tags were published since they came into being
  std::uint64_t restores = 0;      // in the period
};

// `days`: how many, today among them; 1 to 90.
Result<Usage> usage_of(Context& context, const Workspace& workspace, unsigned days);

}  // namespace agent::server
