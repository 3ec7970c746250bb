// How many agents a host carries. Pure functions; safe from any thread. Memory in bytes, times in seconds.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/io/json.hpp"
#include "agent/plan/hit_rate.hpp"
#include "agent/plan/memory.hpp"

namespace agent::plan {

struct Host {
  std::uint64_t memory_bytes = 0;
  unsigned cores = 1;
};

// What one job of one agent takes. The last three are of a build that was measured.
struct Job {
  std::uint64_t compiler_bytes = 0;  // of the largest compiler process
  unsigned max_tasks = 1;            // compilers that run at once
  std::optional<std::uint64_t> peak_bytes;
  std::optional<double> seconds, cpu_seconds;
  std::vector<Stretch> stretches{};  // of its memory
};

struct Demand {
  unsigned jobs = 1;                // that an agent runs at once
  unsigned queued = 0;              // jobs that wait when all agents are busy
  std::uint64_t reserve_bytes = 0;  // for the system and the cache agent
};

// floor((RAM - reserve) / (jobs x compiler RAM x tasks)): what holds if every compiler is as large as the
// largest at the same moment. 0 where not even one fits.
std::uint64_t max_agents(const Host& host, const Job& job, const Demand& demand);

// With a measured build: by the peak of all its processes together, which is what a host really has to hold.
std::optional<std::uint64_t> measured_agents(const Host& host, const Job& job, const Demand& demand);

struct Row {
  std::uint64_t agents = 0;
  std::uint64_t jobs = 0;
  std::uint64_t tasks = 0;                      // compilers at once, at most
  std::uint64_t memory_bytes = 0;               // with the reserve, if all jobs peak at the same moment
  std::optional<std::uint64_t> expected_bytes;  // with the reserve, as peaks really fall (memory.hpp)
  std::optional<HitForecast::Rate> hits;
  bool fits = false;
  std::optional<double> job_seconds;    // of one job while all agents are busy
  std::optional<double> jobs_per_hour;  // of the host
};

// For 1, 2, … agents: every count to 4, then the larger ones that people ask about, and `most`.
std::vector<Row> table(const Host& host, const Job& job, const Demand& demand, std::uint64_t most,
                       const HitForecast* hits = nullptr);

struct Advice {
  std::uint64_t agents = 0;               // run so many
  std::optional<double> job_seconds;      // a job takes then
  std::optional<double> last_done_after;  // until the queue is empty
  bool bound_by_memory = false;           // more would fit the processors, not the memory
};

// The fewest agents that use the host's processors fully and fit its memory; without a measured build, as
// many as fit. Errors: full where not even one agent fits, saying what would.
Result<Advice> advise(const Host& host, const Job& job, const Demand& demand);

// {formula_agents, measured_agents, host, job, demand, table:[…], advice, hits}
io::Json to_json(const Host& host, const Job& job, const Demand& demand, std::uint64_t most,
                 const HitForecast* hits = nullptr);

}  // namespace agent::plan
