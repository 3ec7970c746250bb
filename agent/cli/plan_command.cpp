// hearth plan: how many agents and jobs a host carries, by formula and by a measured build.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "agent/app/run_record.hpp"
#include "agent/bench/profile.hpp"
#include "agent/cli/agent_options.hpp"
#include "agent/cli/command.hpp"
#include "agent/cli/recorded_runs.hpp"
#include "agent/cli/signals.hpp"
#include "agent/core/text.hpp"
#include "agent/io/file.hpp"
#include "agent/io/host.hpp"
#include "agent/plan/capacity.hpp"
#include "agent/plan/cargo_jobs.hpp"
#include "agent/plan/hit_rate.hpp"
#include "agent/plan/moon_plan.hpp"
#include "agent/plan/sampler.hpp"

namespace agent::cli {

namespace {

struct Options {
  std::uint64_t agents = 40;
  std::string ram;
  unsigned cores = 0;
  unsigned jobs = 1;
  unsigned max_tasks = 0;
  std::string compiler_ram = "1GiB";
  std::string reserve = "1GiB";
  unsigned queued = 0;
  bool measure = false;
  std::string project = ".";
  std::string profile = "auto";
  std::string build, clean;
  std::string store = (default_folder() / "store").string();
  bool write_cargo = false;
  bool write_moon = false;
  bool json = false;
};

Result<plan::Measured> measure(const Options& options, const bench::Profile& profile) {
  const Signals signals;
  io::Command command{.arguments = {"/bin/sh", "-c", profile.clean},
                      .folder = options.project,
                      .output = io::Command::Output::discarded};
  // Without a cache: the largest a job can be. Cargo takes a wrapper from its configuration too, unless the
  // variable is empty.
  for (const auto* name : {"RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"}) {
    io::set_variable(command.environment, name, "");
  }
  for (const auto* name : {"CMAKE_C_COMPILER_LAUNCHER", "CMAKE_CXX_COMPILER_LAUNCHER"}) {
    io::unset_variable(command.environment, name);
  }
  AGENT_TRY(const auto cleaning, io::Child::start(command));
  if (const int code = cleaning.wait(); code != 0) {
    return fail(Errc::io, "plan: '{}' ended with exit code {}", profile.clean, code);
  }
  command.arguments.back() = "exec >&2\n" + profile.build;  // what it says is not the plan
  command.output = io::Command::Output::inherited;
  return plan::measure(command, signals.token());
}

struct Plan {
  plan::Host host;
  plan::Job job;
  plan::Demand demand;
  std::optional<plan::Measured> measured;
  std::optional<plan::HitForecast> hits;
  std::size_t runs = 0;  // that it is made from
  std::string tag;

  const plan::HitForecast* forecast() const { return hits ? &*hits : nullptr; }
};

plan::PastRun past_run(const app::RunRecord& record) {
  plan::PastRun run{.id = record.id};
  const auto add = [](std::vector<std::uint64_t>& list, const std::vector<std::uint64_t>& keys) {
    list.insert(list.end(), keys.begin(), keys.end());
  };
  const auto hit = cache::name_of(cache::Outcome::hit);
  const auto stored = cache::name_of(cache::Outcome::stored);
  std::size_t hits = 0;
  for (const auto& [outcome, keys] : record.requests.keys) {
    if (outcome == hit || outcome == stored) {
      add(run.known, keys);
    }
    if (outcome != stored && outcome != cache::name_of(cache::Outcome::off)) {
      add(run.asked, keys);
    }
    hits += outcome == hit ? keys.size() : 0;
  }
  for (auto* list : {&run.asked, &run.known}) {
    std::ranges::sort(*list);
    const auto doubled = std::ranges::unique(*list);
    list->erase(doubled.begin(), doubled.end());
  }
  run.hit_rate = run.asked.empty() ? 0 : static_cast<double>(hits) / static_cast<double>(run.asked.size());
  return run;
}

// Of the runs of the last run's tag that looked something up. Nothing on record is no error: then there is no
// forecast.
void add_forecast(Plan& made, const std::string& store) {
  const auto records = recorded_runs(store);
  if (!records) {
    return;
  }
  made.tag = records->back().figures.tag;
  std::vector<plan::PastRun> runs;
  for (const auto& record : *records) {
    auto run = past_run(record);
    if (record.figures.tag == made.tag && !run.asked.empty()) {
      runs.push_back(std::move(run));
    }
  }
  made.runs = runs.size();
  if (runs.size() > 1) {
    made.hits.emplace(runs);
  }
}

Result<Plan> make_plan(const Options& options) {
  Plan made;
  if (options.ram.empty()) {
    AGENT_TRY(const auto memory, io::host_memory());
    made.host.memory_bytes = memory.total_bytes;
  } else {
    AGENT_TRY(made.host.memory_bytes, parse_size(options.ram, "--ram"));
  }
  made.host.cores = options.cores != 0 ? options.cores : std::max(std::thread::hardware_concurrency(), 1U);
  AGENT_TRY(made.job.compiler_bytes, parse_size(options.compiler_ram, "--compiler-ram"));
  AGENT_TRY(made.demand.reserve_bytes, parse_size(options.reserve, "--reserve"));
  made.job.max_tasks = options.max_tasks != 0 ? options.max_tasks : made.host.cores;
  made.demand.jobs = options.jobs;
  made.demand.queued = options.queued;
  add_forecast(made, options.store);
  if (!options.measure) {
    return made;
  }
  bench::Profile profile{.name = "given", .build = options.build, .clean = options.clean};
  if (options.build.empty() != options.clean.empty()) {
    return fail(Errc::invalid,
                "--build and --clean belong together: a build that was not cleaned measures nothing");
  }
  if (options.build.empty()) {
    AGENT_TRY(profile, bench::profile_of(options.profile, options.project, bench::Cached::no));
  }
  AGENT_TRY(const auto measured, measure(options, profile));
  if (measured.most_compilers == 0) {
    return fail(
        Errc::not_found,
        "plan: the build ran no compiler that hearth knows (rustc, cc1, cc1plus, clang, ld, …); was there "
        "anything to build?");
  }
  made.job.compiler_bytes = measured.compiler_bytes;
  made.job.max_tasks = options.max_tasks != 0 ? options.max_tasks : measured.most_compilers;
  made.job.peak_bytes = measured.peak_bytes;
  made.job.seconds = measured.seconds;
  made.job.cpu_seconds = measured.cpu_seconds;
  made.job.stretches = measured.stretches;
  made.measured = measured;
  return made;
}

void print_measured(const plan::Measured& measured) {
  fmt::print(
      "measured: {:.1f} s, {:.1f} s of processor time, largest compiler {}, {} at most together, up to {} "
      "compilers at once\n",
      measured.seconds, measured.cpu_seconds, human_size(measured.compiler_bytes),
      human_size(measured.peak_bytes), measured.most_compilers);
  constexpr double k_noticed = 0.02;  // of the build's time
  if (measured.memory_stalled.value_or(0) > k_noticed * measured.seconds) {
    fmt::print(
        "          everything waited {:.1f} s for memory meanwhile: this host is short of it already\n",
        *measured.memory_stalled);
  }
}

void print_table(const Plan& made, std::uint64_t most) {
  fmt::print("\n  agents   jobs   tasks    RAM, most   expected        one job   jobs/hour     hits\n");
  for (const auto& row : plan::table(made.host, made.job, made.demand, most, made.forecast())) {
    fmt::print(
        "  {:>6} {:>6} {:>7} {:>12} {:>10} {:>14} {:>11} {:>8}{}\n", row.agents, row.jobs, row.tasks,
        human_size(row.memory_bytes), row.expected_bytes ? human_size(*row.expected_bytes) : "-",
        row.job_seconds ? fmt::format("{:.1f} s", *row.job_seconds) : "-",
        row.jobs_per_hour ? fmt::format("{:.0f}", *row.jobs_per_hour) : "-",
        row.hits ? fmt::format("{}{:.0f} %", row.hits->extrapolated ? "~" : "", row.hits->rate * 100) : "-",
        row.fits ? "" : "   more than there is");
  }
}

void print_forecast(const Plan& made) {
  if (!made.hits) {
    return;
  }
  fmt::print("hits:     from the keys of {} recorded runs of {}", made.runs, made.tag);
  if (const auto error = made.hits->mean_error()) {
    const auto& last = made.hits->checks().back();
    constexpr double k_percent = 100;
    fmt::print(
        "; said before each of {} of them it was off by {:.1f} points on average (the last: {:.0f} % said, "
        "{:.0f} % was)",
        made.hits->checks().size(), *error * k_percent, last.forecast * k_percent, last.recorded * k_percent);
  }
  fmt::print("\n");
}

void print_plan(const Plan& made, const Options& options) {
  fmt::print("host:     {} of memory ({} kept for the rest), {} cores\n", human_size(made.host.memory_bytes),
             human_size(made.demand.reserve_bytes), made.host.cores);
  if (made.measured) {
    print_measured(*made.measured);
  }
  fmt::print(
      "formula:  floor(({} - {}) / ({} x {} x {})) = {} agents, if all compilers are as large as the "
      "largest{}\n",
      human_size(made.host.memory_bytes), human_size(made.demand.reserve_bytes), made.demand.jobs,
      human_size(made.job.compiler_bytes), made.job.max_tasks,
      plan::max_agents(made.host, made.job, made.demand),
      made.measured ? "" : " (assumed: --measure builds this project and looks)");
  if (const auto fitting = plan::measured_agents(made.host, made.job, made.demand)) {
    fmt::print("memory:   {} agents fit by what the build really took\n", *fitting);
  }
  print_forecast(made);
  print_table(made, options.agents);
  const auto advice = plan::advise(made.host, made.job, made.demand);
  if (!advice) {
    fmt::print("\nadvice:   {}\n", advice.error().message);
    return;
  }
  fmt::print("\nadvice:   {} agent{}{}", advice->agents, advice->agents == 1 ? "" : "s",
             advice->bound_by_memory ? "; the processors could do more, the memory cannot" : "");
  if (advice->job_seconds) {
    fmt::print("; a job takes {:.1f} s then", *advice->job_seconds);
  }
  if (advice->last_done_after && made.demand.queued > 0) {
    fmt::print(", and {} queued jobs are done after {:.0f} s", made.demand.queued, *advice->last_done_after);
  }
  fmt::print("\n");
}

Result<void> run_plan(const Options& options) {
  AGENT_TRY(const auto made, make_plan(options));
  if (options.json) {
    fmt::print("{}\n",
               plan::to_json(made.host, made.job, made.demand, options.agents, made.forecast()).dump(2));
  } else {
    print_plan(made, options);
  }
  if (options.write_cargo) {
    const auto path = io::fs::path(options.project) / ".cargo" / "config.toml";
    AGENT_CHECK(plan::write_cargo_jobs(path, made.job.max_tasks));
    fmt::print(stderr, "hearth: {}: jobs = {}\n", path.string(), made.job.max_tasks);
  }
  if (options.write_moon) {
    AGENT_CHECK(plan::write_moon_concurrency(options.project, made.demand.jobs));
    fmt::print(
        stderr, "hearth: {}: concurrency = {} (moon exec --plan; before moon 2.1: MOON_CONCURRENCY={})\n",
        (io::fs::path(options.project) / plan::k_moon_plan).string(), made.demand.jobs, made.demand.jobs);
  }
  return {};
}

int run_command(const Options& options) {
  const auto done = run_plan(options);
  return done ? k_ok : report_error(done.error());
}

}  // namespace

Command add_plan(CLI::App& program) {
  auto* const command = program.add_subcommand("plan", "how many agents and jobs this host carries");
  const auto options = std::make_shared<Options>();
  auto& o = *options;
  constexpr std::uint64_t k_most_agents = 10'000;
  constexpr unsigned k_most = 100'000;
  command->add_option("--agents", o.agents, "the table's last row")
      ->check(CLI::Range(std::uint64_t{1}, k_most_agents))
      ->capture_default_str();
  command->add_option("--ram", o.ram, "memory of the host; default: this one's");
  command->add_option("--cores", o.cores, "default: this host's")->check(CLI::Range(1U, k_most));
  command->add_option("--jobs", o.jobs, "jobs that an agent runs at once")
      ->check(CLI::Range(1U, k_most))
      ->capture_default_str();
  command
      ->add_option("--max-tasks", o.max_tasks,
                   "compilers that a job runs at once; default: cores, or as measured")
      ->check(CLI::Range(1U, k_most));
  command->add_option("--compiler-ram", o.compiler_ram, "memory of a compiler, unless it is measured")
      ->capture_default_str();
  command->add_option("--reserve", o.reserve, "memory for everything else")->capture_default_str();
  command->add_option("--queued", o.queued, "jobs that wait when all agents are busy")
      ->check(CLI::Range(0U, k_most));
  command->add_flag("--measure", o.measure,
                    "builds the project once, without a cache, and looks what it takes");
  command->add_option("--project", o.project, "the project's folder")->capture_default_str();
  command->add_option("--profile", o.profile, "cargo, cmake, make, or auto")->capture_default_str();
  command->add_option("--build", o.build, "command that builds, instead of the profile's");
  command->add_option("--clean", o.clean, "command that removes what was built");
  command->add_flag("--write-cargo", o.write_cargo,
                    "sets jobs in the project's .cargo/config.toml to the tasks");
  command->add_flag("--write-moon", o.write_moon,
                    "sets the concurrency in the workspace's .moon/exec-plan.json to the jobs");
  command->add_option("--store", o.store, "store whose recorded runs tell the hit rate to expect")
      ->capture_default_str();
  command->add_flag("--json", o.json, "the plan as JSON");
  command->footer(
      "Example:\n  hearth plan --measure --agents 40 --queued 30\n"
      "  hearth plan --ram 64GiB --jobs 2 --max-tasks 4 --compiler-ram 1500MiB");
  return {command, [options] { return run_command(*options); }};
}

}  // namespace agent::cli
