// The figures of one run: what /status answers, what summary.json holds, what the summary shows.
// Value type. An empty optional was not measured and is null in JSON, never 0.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/io/json.hpp"
#include "agent/report/verdict.hpp"

namespace agent::report {

struct Latency {  // of lookups answered with a hit, in milliseconds
  std::optional<double> mean, p50, p95, p99;
};

struct Language {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
};

// What an earlier run of the same tag came to; its jobs together.
struct EarlierRun {
  std::string run;             // its name, such as "1234-1"; empty on a laptop
  std::uint64_t ended_ms = 0;  // since 1970
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::optional<double> seconds;  // its longest job took
  std::optional<double> saved_seconds;
  bool operator==(const EarlierRun&) const = default;
};

// One lookup that missed.
struct Miss {
  std::string name;  // crate or object file; empty: not known
  std::string key;   // its first sixteen digits
  std::string reason;
  bool operator==(const Miss&) const = default;
};

struct Figures {
  std::string tag;
  std::string scope;
  std::optional<std::uint64_t> generation;
  std::string backend;       // "disk:///path", "none"
  std::string mode;          // publish::name_of
  std::string sccache_mode;  // "proxy", "disk"; empty: sccache not used
  std::string phase;         // /status only: starting, warming, ready, draining

  // As sccache counts compilations; absent where its statistics could not be had.
  std::optional<double> hit_rate;  // percent of hits + misses
  std::map<std::string, Language> languages;
  std::optional<std::uint64_t> hits, misses, errors, compile_requests;
  std::map<std::string, std::uint64_t> non_cacheable;  // reason -> compilations
  std::optional<double> saved_seconds_estimate;
  std::optional<double> sccache_read_hit_ms;       // what sccache waited for a hit, on average
  std::optional<std::uint64_t> restarts;           // of sccache's server, by the launcher
  std::map<std::string, std::uint64_t> fallbacks;  // compilations the launcher ran uncached, by reason

  // As the agent counts requests.
  Latency latency;
  std::optional<std::uint64_t> lookups_hit, lookups_missed;
  std::map<std::string, std::uint64_t> miss_reasons;  // e.g. absent, backend error, corrupt
  std::vector<Miss> top_misses;                       // some of them, what is wrong first; at the end only
  std::optional<std::uint64_t> bytes_read, bytes_written, stores, published, pending;
  std::map<std::string, std::uint64_t> refused;  // reason -> objects
  std::optional<std::uint64_t> backend_calls, http_429, conflicts, retries;
  std::optional<std::uint64_t> breaker_openings;  // times calls to the backend were suspended after failures
  std::optional<std::uint64_t> compacted_packs;   // small packs that were brought together
  std::optional<double> preload_seconds;
  std::optional<std::uint64_t> tag_objects, tag_bytes;
  std::optional<std::uint64_t> tag_objects_before;  // when the run began
  std::optional<double> seconds;                    // since the agent began

  std::vector<EarlierRun> earlier_runs;  // of this tag, as far as it has them on record; the newest last

  std::vector<Verdict> verdicts;  // why hits are low, where somebody asked; the first is the one to read

  std::vector<std::string> notes;  // things that went wrong or that people should know, in plain words
};

// `{schema:1, …}` with the names of design.md, "Names that others rely on".
io::Json to_json(const Figures& figures);

// Accepts what to_json makes, of this schema or with unknown members. Errors: invalid.
Result<Figures> from_json(const io::Json& json);

}  // namespace agent::report
