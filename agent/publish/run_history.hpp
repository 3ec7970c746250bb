// What the last runs that used a tag came to: what a summary's trend is drawn from. A value with its binary
// form (docs/formats.md, "Run history"), which a manifest carries, so that it is there where the local store
// is new in every job.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/publish/manifest.hpp"

namespace agent::publish {

constexpr std::size_t k_runs_in_history = 20;
constexpr std::size_t k_jobs_in_history = 64;  // a run may have several
constexpr std::size_t k_max_run_name_bytes = 64;
// What nobody publishes for is recorded no more often.
constexpr std::uint64_t k_history_interval_ms = std::uint64_t{60} * 60 * 1000;

// One job of a run.
struct PastRun {
  std::uint64_t job = 0;       // random: tells jobs apart
  std::uint64_t ended_ms = 0;  // since 1970, by the job's clock
  std::uint64_t took_ms = 0;   // from the agent's beginning to its end; 0: not known
  std::uint32_t hits = 0;      // compilations
  std::uint32_t misses = 0;
  std::optional<std::uint64_t> saved_ms{};  // an estimate
  std::string run{};                        // common to the jobs of one run; empty: it has no others
  bool operator==(const PastRun&) const = default;
};

using RunHistory = std::vector<PastRun>;  // ascending by end, then by job

// Names longer than their limit are cut.
std::string encode(const RunHistory& history);

// Errors: corrupt; unsupported (a newer version).
Result<RunHistory> parse_run_history(std::span<const std::byte> bytes);

// That of the manifest; an empty one where there is none or where it cannot be read.
RunHistory runs_of(const Manifest& manifest);

// Puts the run into the manifest and takes the oldest out that are beyond the limits. Nothing where it is in
// there, or where a newer program keeps the history.
void add_run(Manifest& manifest, const PastRun& run);

// Whether the run is worth a swap of its own: it is not in there, and none that is ended within
// k_history_interval_ms of it.
bool is_due(const Manifest& manifest, const PastRun& run);

}  // namespace agent::publish
