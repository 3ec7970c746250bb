// What clients report of their work, brought together by day: counts by tool, sessions, missed keys, and
// which tags were used. Values with their JSON form (docs/formats.md, "What a server keeps"). One report of
// one client and a whole day have the same type, so that bringing together is adding. All of it is bounded:
// what does not fit is left out or counted under "other". Pure functions; safe from any thread. Source of the
// members: the BoringCache CLI 1.13, read 2026-11. Errors: invalid (a report, naming the member), corrupt,
// unsupported (a record that was kept).
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/clock.hpp"
#include "agent/core/result.hpp"
#include "agent/io/json.hpp"

namespace agent::server {

using Day = std::uint32_t;  // since 1970, UTC
Day day_of(Wall time);
Wall begin_of(Day day);
std::string date_of(Day day);  // "2026-11-22"

struct ToolCounts {
  std::uint64_t hits = 0;    // of reads
  std::uint64_t misses = 0;  // of reads
  std::uint64_t errors = 0;  // of reads and writes
  std::uint64_t writes = 0;
  std::uint64_t queries = 0;
  std::uint64_t query_errors = 0;
  std::uint64_t degraded = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
  std::uint64_t latency_sum_ms = 0;
  std::uint64_t latency_count = 0;
  bool operator==(const ToolCounts&) const = default;

  void add(const ToolCounts& other);
  std::uint64_t lookups() const { return hits + misses; }
};

// A key is named by its SHA-256; `prefix` is the beginning of the key, where the client said it. Misses of
// the first session that had the key are cold: nobody could have stored it. Those of later sessions are
// recurring.
struct MissedKey {
  std::string tool;
  std::string hash;
  std::string prefix;
  std::uint64_t misses = 0;
  std::uint64_t last_seen_ms = 0;
  std::uint64_t cold = 0;  // of the misses
  std::uint64_t first_seen_ms = 0;
  std::string first_session = {};  // of the cold misses; empty: it was not said
  bool operator==(const MissedKey&) const = default;

  std::uint64_t recurring() const { return misses - std::min(misses, cold); }
};

struct Session {
  std::string id;
  std::string tool;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t errors = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
  std::uint64_t duration_ms = 0;
  std::uint64_t received_ms = 0;
  std::string producer;                      // the token's id and name
  std::map<std::string, std::string> run;    // "run_ref_name" and the like, as they were sent
  std::map<std::string, std::string> hints;  // metadata_hints
  std::vector<MissedKey> missed;             // the most missed
  bool operator==(const Session&) const = default;
};

struct SessionTotals {
  std::uint64_t count = 0;
  std::uint64_t with_errors = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t errors = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
  std::uint64_t duration_ms = 0;
  bool operator==(const SessionTotals&) const = default;
};

struct DayReport {
  std::map<std::string, ToolCounts, std::less<>> tools;
  std::vector<MissedKey> missed;                           // the most missed first
  std::vector<Session> sessions;                           // the newest first
  SessionTotals totals;                                    // of all sessions, those left out as well
  std::map<std::string, std::uint64_t, std::less<>> tags;  // those that were used, with their restores
  bool has_all_tags = true;                                // false: there were more than fit
  std::vector<std::string> folded;  // names of reports that are in here and not removed yet
  bool operator==(const DayReport&) const = default;
};

constexpr std::size_t k_most_tools = 32;
constexpr std::size_t k_most_kept_missed = 1'000;
constexpr std::size_t k_most_kept_sessions = 200;
constexpr std::size_t k_most_used_tags = 5'000;

void add(DayReport& into, const DayReport& other);
void add_use(DayReport& into, std::string_view tag, std::uint64_t restores);

// What was missed before `period` began is not cold in it.
void know_earlier_misses(DayReport& period, const std::vector<DayReport>& earlier);

struct Reporter {
  std::string producer;
  std::uint64_t now_ms = 0;
};

// The body of POST W/cache-rollups. `records`: how many it had.
struct ParsedReport {
  DayReport report;
  std::size_t records = 0;
};
Result<ParsedReport> parse_report(const io::Json& body, const Reporter& reporter);

std::string encode(const DayReport& report);
Result<DayReport> parse_day_report(std::string_view text);

}  // namespace agent::server
