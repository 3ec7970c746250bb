// What sccache's server says in its log that tells why nothing is hit: a failed start, a refused write probe,
// failed reads and writes, reasons a compilation is not cached. Lines are kept with credentials removed.
// Pure; safe from any thread. Source: mozilla/sccache 0.16.0 src/server.rs, src/cache/cache.rs,
// src/compiler/compiler.rs; lines seen with the real one, tests/doctor, 2026-11.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace agent::sccache {

inline constexpr std::size_t k_most_log_bytes = std::size_t{1} << 20U;  // of the end of a log

enum class LogTopic : std::uint8_t {
  start_failed,  // the storage's start-up read failed: the server does not run
  write_check,   // the start-up write failed: read-only for the server's life
  config,        // the storage is not configured: credentials or addresses are missing
  read_failed,   // a lookup failed and counts as a miss
  write_failed,  // a store failed
  not_cached,    // CannotCache(why, detail)
  timeout,       // a lookup took longer than sccache waits
};

struct LogLine {
  LogTopic topic = LogTopic::config;
  int status = 0;  // the HTTP status that the line names; 0: none
  std::string text;
};

// Lines of these topics, the first of each kind of text, at most fifty. Reads at most the last
// k_most_log_bytes.
std::vector<LogLine> parse_server_log(std::string_view text);

// The HTTP status that a line of sccache's (or OpenDAL's) names; 0 where there is none.
int status_in(std::string_view line);

}  // namespace agent::sccache
