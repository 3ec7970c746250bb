// What a benchmark measured: every build of every round, and what it comes to. Value types and pure
// functions; safe from any thread. An empty optional was not measured, and is never a 0.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/bench/statistic.hpp"
#include "agent/core/result.hpp"
#include "agent/io/json.hpp"

namespace agent::bench {

// One build, or several at once.
struct Build {
  double seconds = 0;                         // wall time, with starting and draining the cache
  std::optional<std::uint64_t> hits, misses;  // compilations, as sccache counts them
  std::optional<std::uint64_t> rust_hits, rust_misses;
  std::optional<double> read_hit_ms;                 // what sccache waited for a hit, on average
  std::optional<std::uint64_t> http_429, conflicts;  // empty where no backend is asked
  std::optional<std::uint64_t> stored, published;
  std::vector<std::string> notes;  // what the summary said went wrong; kept in Results::notes
};

struct Round {
  std::optional<Build> cold, warm;
  std::optional<Build> parallel;  // several cold builds at once that write one tag
};

// One of the ways that are compared.
struct Leg {
  std::string name;
  std::string how;  // for people: "sccache on its own disk", "hearth run --backend s3://…"
  std::vector<Round> rounds;
  std::uint64_t session = 0;  // legs of one session were measured together, in turn
  bool asks_backend = true;   // false: sccache alone, which has no figures of a backend
};

struct Results {
  std::string project;
  std::string build;
  std::string started;  // RFC 3339, UTC
  std::string tag;
  bool run_scoped = false;
  std::uint64_t jobs = 1;
  std::uint64_t cores = 0;
  std::uint64_t memory_bytes = 0;
  std::vector<Leg> legs;           // the first is what the others are compared with
  std::vector<std::string> notes;  // what people should know about the figures
};

// The phases by name: "cold", "warm", "parallel".
using Phase = std::optional<Build> Round::*;

// The builds of a phase that were measured, in the order of the rounds.
std::vector<Build> builds_of(const Leg& leg, Phase phase);

// The times of a phase against another leg's: round by round where they were measured together, else the
// medians, since then what the machine did meanwhile is no pair's.
std::optional<Ratio> ratio_of(const Leg& leg, const Leg& base, Phase phase);

// Adds what was measured; a sum of nothing that was measured stays empty.
using Count = std::optional<std::uint64_t>;
void add_count(Count& sum, const Count& value);

// Medians of times, sums of counts.
struct Figures {
  std::optional<double> cold_seconds, warm_seconds, parallel_seconds;
  std::optional<double> warm_over_cold;
  std::optional<double> cold_hit_rate, warm_hit_rate, rust_hit_rate;  // percent; rust: of the warm builds
  std::optional<double> read_hit_ms;                                  // of the warm builds
  std::optional<std::uint64_t> http_429, conflicts;                   // of all phases
};
Figures figures_of(const Leg& leg);

// `{schema:1, …}`: everything above, with each leg's figures and its ratios to the first leg.
io::Json to_json(const Results& results);

// What to_json made; derived members are not read. Errors: invalid, naming `what` and the member.
Result<Results> from_json(const io::Json& json, std::string_view what);

// The legs of several results as one, in the order given; legs of one name get the later one's place. Each
// of the results keeps sessions of its own. The rest is the first one's. `all` must not be empty.
Results merged(std::vector<Results> all);

}  // namespace agent::bench
