#include "agent/plan/capacity.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "agent/core/text.hpp"

namespace agent::plan {

namespace {

constexpr double k_hour = 3600;
constexpr std::array<std::uint64_t, 9> k_counts{1, 2, 3, 4, 6, 10, 20, 30, 40};

constexpr auto k_most_bytes = std::numeric_limits<std::uint64_t>::max();

// More than can be counted is more than any host has.
std::uint64_t product(std::uint64_t a, std::uint64_t b) {
  return b != 0 && a > k_most_bytes / b ? k_most_bytes : a * b;
}

std::uint64_t sum(std::uint64_t a, std::uint64_t b) {
  return a > k_most_bytes - b ? k_most_bytes : a + b;
}

std::uint64_t room(const Host& host, const Demand& demand) {
  return host.memory_bytes - std::min(host.memory_bytes, demand.reserve_bytes);
}

std::uint64_t worst_bytes(const Job& job) {
  return std::max<std::uint64_t>(product(job.compiler_bytes, std::max(job.max_tasks, 1U)), 1);
}

std::uint64_t job_bytes(const Job& job) {
  return std::max<std::uint64_t>(job.peak_bytes.value_or(worst_bytes(job)), 1);
}

// What one agent takes with all its jobs.
std::uint64_t agent_bytes(const Job& job, const Demand& demand) {
  return product(std::max(demand.jobs, 1U), job_bytes(job));
}

// The processors are shared: so many jobs at once take the processor time of all of them, and none is faster
// than alone.
std::optional<double> job_seconds(const Host& host, const Job& job, std::uint64_t jobs) {
  if (!job.seconds || !job.cpu_seconds) {
    return std::nullopt;
  }
  return std::max(*job.seconds, static_cast<double>(jobs) * *job.cpu_seconds / std::max(host.cores, 1U));
}

Row row_of(const Host& host, const Job& job, const Demand& demand, std::uint64_t agents) {
  Row row{.agents = agents, .jobs = agents * std::max(demand.jobs, 1U)};
  row.tasks = row.jobs * std::max(job.max_tasks, 1U);
  row.memory_bytes = sum(demand.reserve_bytes, product(agents, agent_bytes(job, demand)));
  if (!job.stretches.empty()) {
    row.expected_bytes = sum(demand.reserve_bytes, expected_bytes(job.stretches, row.jobs));
  }
  row.fits = row.memory_bytes <= host.memory_bytes;
  row.job_seconds = job_seconds(host, job, row.jobs);
  if (row.job_seconds && *row.job_seconds > 0) {
    row.jobs_per_hour = static_cast<double>(row.jobs) * k_hour / *row.job_seconds;
  }
  return row;
}

io::Json to_json(const Row& row) {
  return io::JsonObject{{"agents", row.agents},
                        {"jobs", row.jobs},
                        {"tasks", row.tasks},
                        {"memory_bytes", row.memory_bytes},
                        {"expected_bytes", row.expected_bytes},
                        {"hit_rate", row.hits ? io::Json(row.hits->rate) : io::Json()},
                        {"hit_rate_extrapolated", row.hits ? io::Json(row.hits->extrapolated) : io::Json()},
                        {"fits", row.fits},
                        {"job_seconds", row.job_seconds},
                        {"jobs_per_hour", row.jobs_per_hour}};
}

}  // namespace

std::uint64_t max_agents(const Host& host, const Job& job, const Demand& demand) {
  return room(host, demand) / product(std::max(demand.jobs, 1U), worst_bytes(job));
}

std::optional<std::uint64_t> measured_agents(const Host& host, const Job& job, const Demand& demand) {
  if (!job.peak_bytes) {
    return std::nullopt;
  }
  return room(host, demand) / agent_bytes(job, demand);
}

std::vector<Row> table(const Host& host, const Job& job, const Demand& demand, std::uint64_t most,
                       const HitForecast* hits) {
  std::vector<std::uint64_t> counts;
  std::ranges::copy_if(k_counts, std::back_inserter(counts),
                       [&](std::uint64_t count) { return count < most; });
  counts.push_back(std::max<std::uint64_t>(most, 1));
  std::vector<Row> rows;
  rows.reserve(counts.size());
  for (const auto count : counts) {
    rows.push_back(row_of(host, job, demand, count));
    rows.back().hits = hits != nullptr ? hits->for_agents(rows.back().jobs) : std::nullopt;
  }
  return rows;
}

Result<Advice> advise(const Host& host, const Job& job, const Demand& demand) {
  const auto fitting = measured_agents(host, job, demand).value_or(max_agents(host, job, demand));
  if (fitting == 0) {
    return fail(
        Errc::full,
        "plan: not even one agent fits: {} job{} of {} and a reserve of {} are more than {} of memory; take "
        "fewer tasks (--max-tasks) or fewer jobs (--jobs)",
        demand.jobs, demand.jobs == 1 ? "" : "s", human_size(job_bytes(job)),
        human_size(demand.reserve_bytes), human_size(host.memory_bytes));
  }
  Advice advice{.agents = fitting};
  if (job.seconds && job.cpu_seconds && *job.cpu_seconds > 0) {
    // So many jobs keep the processors busy; more only take longer each.
    const auto busy = std::ceil(*job.seconds * std::max(host.cores, 1U) / *job.cpu_seconds);
    const auto enough =
        static_cast<std::uint64_t>(std::max(1.0, std::ceil(busy / std::max(demand.jobs, 1U))));
    advice.bound_by_memory = enough > fitting;
    advice.agents = std::min(enough, fitting);
  }
  const auto active = advice.agents * std::max(demand.jobs, 1U);
  advice.job_seconds = job_seconds(host, job, active);
  if (advice.job_seconds) {
    const auto waves = (active + demand.queued + active - 1) / active;
    advice.last_done_after = static_cast<double>(waves) * *advice.job_seconds;
  }
  return advice;
}

io::Json to_json(const Host& host, const Job& job, const Demand& demand, std::uint64_t most,
                 const HitForecast* hits) {
  io::JsonArray rows;
  for (const auto& row : table(host, job, demand, most, hits)) {
    rows.push_back(to_json(row));
  }
  io::Json advised;
  if (const auto advice = advise(host, job, demand)) {
    advised = io::JsonObject{{"agents", advice->agents},
                             {"job_seconds", advice->job_seconds},
                             {"last_done_after_seconds", advice->last_done_after},
                             {"bound_by_memory", advice->bound_by_memory}};
  }
  return io::JsonObject{{"formula_agents", max_agents(host, job, demand)},
                        {"measured_agents", measured_agents(host, job, demand)},
                        {"host", io::JsonObject{{"memory_bytes", host.memory_bytes}, {"cores", host.cores}}},
                        {"job", io::JsonObject{{"compiler_bytes", job.compiler_bytes},
                                               {"max_tasks", job.max_tasks},
                                               {"peak_bytes", job.peak_bytes},
                                               {"seconds", job.seconds},
                                               {"cpu_seconds", job.cpu_seconds}}},
                        {"demand", io::JsonObject{{"jobs", demand.jobs},
                                                  {"queued", demand.queued},
                                                  {"reserve_bytes", demand.reserve_bytes}}},
                        {"table", std::move(rows)},
                        {"advice", std::move(advised)},
                        {"hits", hits != nullptr ? to_json(*hits) : io::Json()}};
}

}  // namespace agent::plan
