// sccache's own statistics, as `sccache --show-stats --stats-format=json` prints them (0.10 to 0.19; field
// meanings: mozilla/sccache src/server.rs, ServerStats; checked against 0.16.0, 2026-11). Value type.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/core/result.hpp"
#include "agent/io/json.hpp"

namespace agent::sccache {

struct LanguageCounts {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t errors = 0;
};

struct Statistics {
  std::string version;
  std::string cache_location;
  std::uint64_t compile_requests = 0;
  std::uint64_t executed = 0;
  std::uint64_t not_compile = 0;
  std::uint64_t not_cacheable = 0;
  std::uint64_t compilations = 0;
  std::uint64_t writes = 0;
  std::uint64_t write_errors = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t forced_recaches = 0;  // SCCACHE_RECACHE
  std::string storage_mode;           // "ReadOnly", "ReadWrite"; empty before 0.19
  std::map<std::string, LanguageCounts> languages;
  std::map<std::string, std::uint64_t> not_cached;  // reason -> count
  double compile_seconds = 0;                       // wall time of the compilers that ran
  double read_hit_seconds = 0;                      // wall time of lookups that hit

  std::uint64_t hits() const;
  std::uint64_t misses() const;
  std::uint64_t errors() const;

  // Adds the figures of another server's life (after a restart).
  void add(const Statistics& other);

  // What a lookup that hit took, on average; empty where none did.
  std::optional<double> read_hit_ms() const;

  // hits × mean compile time of this run − time spent reading hits; empty where nothing was compiled to
  // compare with. Biased (what was compiled is not what was hit): always shown as an estimate.
  std::optional<double> saved_seconds_estimate() const;
};

// In the form that parse_statistics reads; for a run's record.
io::Json to_json(const Statistics& statistics);

// Errors: invalid, naming what is missing. At most 1 MiB.
Result<Statistics> parse_statistics(std::string_view json);

}  // namespace agent::sccache
