// hearth bench: a build cold and warm through several ways, interleaved, as a table, JSON, a chart and a job
// summary; with gates that decide the exit code.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/bench/gate.hpp"
#include "agent/bench/profile.hpp"
#include "agent/bench/session.hpp"
#include "agent/bench/show.hpp"
#include "agent/cli/command.hpp"
#include "agent/cli/signals.hpp"
#include "agent/core/text.hpp"
#include "agent/io/file.hpp"
#include "agent/io/private_folder.hpp"
#include "agent/io/random.hpp"
#include "agent/sccache/install.hpp"

namespace agent::cli {

namespace {

constexpr std::uint64_t k_results_limit = std::uint64_t{16} << 20U;
constexpr unsigned k_most_rounds = 1000;
constexpr unsigned k_most_jobs = 64;

struct Options {
  std::string project = ".";
  std::string profile = "auto";
  std::string build, clean;
  std::vector<std::string> legs{"local", "proxy"};
  std::string backend;
  std::string tag;
  std::string tags = "stable";
  unsigned rounds = 3;
  unsigned jobs = 1;
  bool no_warm_up = false;
  std::vector<std::string> require;
  std::vector<std::string> from;
  std::string compare;
  std::string output, svg, summary;
  bool json = false;
  bool quiet = false;
};

// A backend among the flags is the way's own, instead of the common one.
Result<void> take_backend(bench::LegPlan& leg, std::string_view text) {
  constexpr std::string_view k_flag = "--backend";
  constexpr std::string_view k_with_value = "--backend=";
  const auto own = std::ranges::find_if(
      leg.flags, [&](std::string_view flag) { return flag == k_flag || flag.starts_with(k_with_value); });
  if (own == leg.flags.end()) {
    return {};
  }
  const auto end = std::ranges::next(own, *own == k_flag ? 2 : 1, leg.flags.end());
  const auto last = std::string_view(*std::prev(end));
  leg.backend = last.starts_with(k_with_value) ? last.substr(k_with_value.size()) : last;
  if (leg.backend.empty() || leg.backend == k_flag) {
    return fail(Errc::invalid, "--leg '{}': --backend needs an URL", text);
  }
  leg.flags.erase(own, end);
  return {};
}

// "local", "proxy" or NAME=FLAGS of hearth run.
Result<bench::LegPlan> parse_leg(const std::string& text, const std::string& backend) {
  const auto at = text.find('=');
  bench::LegPlan leg{
      .name = text.substr(0, at), .through_hearth = text != "local", .backend = backend, .flags = {}};
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
  };
  if (leg.name.empty() || leg.name.front() == '-' || !std::ranges::all_of(leg.name, plain)) {
    return fail(Errc::invalid, "--leg '{}': a name is letters, digits, - and _", text);
  }
  if (at == std::string::npos) {
    if (text != "local" && text != "proxy") {
      return fail(
          Errc::invalid,
          "--leg '{}': there are local (sccache on its own disk) and proxy (hearth run); for another way "
          "write NAME=FLAGS, for instance 'direct=--sccache-mode disk'",
          text);
    }
    return leg;
  }
  for (auto flag : split(std::string_view(text).substr(at + 1), ' ')) {
    if (!flag.empty()) {
      leg.flags.emplace_back(flag);
    }
  }
  AGENT_CHECK(take_backend(leg, text));
  return leg;
}

Result<std::vector<bench::LegPlan>> parse_legs(const Options& options) {
  std::vector<bench::LegPlan> legs;
  for (const auto& text : options.legs) {
    AGENT_TRY(auto leg, parse_leg(text, options.backend));
    if (std::ranges::find(legs, leg.name, &bench::LegPlan::name) != legs.end()) {
      return fail(Errc::invalid, "--leg '{}': that name is taken already", text);
    }
    legs.push_back(std::move(leg));
  }
  return legs;
}

// The jobs of a workflow run share its id, those of a matrix their name too: a mark of its own tells them
// apart where they measure on one backend.
std::string run_name() {
  const auto id = io::environment_value("GITHUB_RUN_ID");
  const auto attempt = io::environment_value("GITHUB_RUN_ATTEMPT");
  return id.empty() ? io::random_mark() : fmt::format("{}-{}-{}", id, attempt, io::random_mark());
}

Result<bench::Plan> to_plan(const Options& options, const io::fs::path& work) {
  if (options.tags != "stable" && options.tags != "run-scoped") {
    return fail(Errc::invalid, "--tags '{}': there are stable and run-scoped", options.tags);
  }
  bench::Plan plan{.project = {},
                   .build = options.build,
                   .clean = options.clean,
                   .legs = {},
                   .rounds = options.rounds,
                   .jobs = options.jobs,
                   .warm_up = !options.no_warm_up,
                   .tag = options.tag,
                   .run = options.tags == "run-scoped" ? run_name() : std::string(),
                   .work = work,
                   .hearth = {},
                   .sccache = {},
                   .environment = io::current_environment()};
  std::error_code error;
  plan.project = io::fs::canonical(options.project, error);
  if (error) {
    return fail_errno("open", options.project, error.value());
  }
  if (plan.build.empty() != plan.clean.empty()) {
    return fail(Errc::invalid,
                "--build and --clean belong together: a build that was not cleaned measures nothing");
  }
  if (plan.build.empty()) {
    AGENT_TRY(auto profile, bench::profile_of(options.profile, plan.project));
    plan.build = std::move(profile.build);
    plan.clean = std::move(profile.clean);
  }
  AGENT_TRY(plan.legs, parse_legs(options));
  if (plan.tag.empty()) {
    plan.tag = "hearth-bench";
  }
  plan.hearth = io::fs::read_symlink("/proc/self/exe");
  AGENT_TRY(plan.sccache, sccache::find_real(plan.environment, plan.hearth));
  return plan;
}

Result<bench::Results> read_results(const std::string& path) {
  AGENT_TRY(const auto text, io::read_file(path, k_results_limit));
  AGENT_TRY(const auto json, io::parse_json(text, path));
  return bench::from_json(json, path);
}

Result<bench::Results> obtain(const Options& options) {
  if (options.from.empty()) {
    AGENT_TRY(const auto folder, io::PrivateFolder::make());
    const Signals signals;
    AGENT_TRY(const auto plan, to_plan(options, folder.path()));
    const auto progress = [&](std::string_view line) {
      if (!options.quiet) {
        fmt::print(stderr, "{}\n", line);
      }
    };
    return bench::measure(plan, progress, signals.token());
  }
  std::vector<bench::Results> all;
  for (const auto& path : options.from) {
    AGENT_TRY(auto read, read_results(path));
    all.push_back(std::move(read));
  }
  return bench::merged(std::move(all));
}

// The files that were asked for, and the job's summary.
Result<void> write_files(const Options& options, const bench::Shown& shown) {
  if (!options.output.empty()) {
    AGENT_CHECK(io::write_file(options.output, bench::to_json(shown.results).dump(2) + "\n"));
  }
  if (!options.svg.empty()) {
    AGENT_CHECK(io::write_file(options.svg, bench::svg(shown.results)));
  }
  const auto summary =
      options.summary.empty() ? io::environment_value("GITHUB_STEP_SUMMARY") : options.summary;
  if (!summary.empty()) {
    AGENT_CHECK(io::append_file(summary, bench::markdown(shown) + "\n"));
  }
  return {};
}

Result<bool> run_bench(const Options& options) {
  std::vector<bench::Gate> gates;
  for (const auto& text : options.require) {  // before hours of building
    AGENT_TRY(auto gate, bench::parse_gate(text));
    gates.push_back(std::move(gate));
  }
  std::optional<bench::Results> previous;
  if (!options.compare.empty()) {
    AGENT_TRY(previous, read_results(options.compare));
  }
  AGENT_TRY(const auto results, obtain(options));
  std::vector<bench::Verdict> verdicts;
  for (const auto& gate : gates) {
    std::ranges::move(bench::judge(gate, results), std::back_inserter(verdicts));
  }
  const bench::Shown shown{results, verdicts, previous ? &*previous : nullptr};
  fmt::print("{}", options.json ? bench::to_json(results).dump(2) + "\n" : bench::text(shown));
  AGENT_CHECK(write_files(options, shown));
  return std::ranges::all_of(verdicts, &bench::Verdict::held);
}

int run_command(const Options& options) {
  const auto held = run_bench(options);
  if (!held) {
    return report_error(held.error());
  }
  if (!*held) {
    fmt::print(stderr, "hearth: a --require does not hold\n");
  }
  return *held ? k_ok : k_failure;
}

}  // namespace

Command add_bench(CLI::App& program) {
  auto* const command =
      program.add_subcommand("bench", "a build cold and warm, through hearth and without it");
  const auto options = std::make_shared<Options>();
  auto& o = *options;
  command->add_option("--project", o.project, "the project's folder")->capture_default_str();
  command->add_option("--profile", o.profile, "cargo, cmake, make, or auto")->capture_default_str();
  command->add_option("--build", o.build, "command that builds, instead of the profile's");
  command->add_option("--clean", o.clean, "command that removes what was built");
  command
      ->add_option(
          "--leg", o.legs,
          "local (sccache on its own disk), proxy (hearth run) or NAME=FLAGS of hearth run; once for "
          "each way, the first is what the others are compared with")
      ->expected(1)
      ->take_all()
      ->capture_default_str();
  command->add_option("--backend", o.backend,
                      "of the ways through hearth; default: a folder, forgotten each round");
  command->add_option("--tag", o.tag, "tag to use; default: hearth-bench");
  command->add_option("--tags", o.tags, "stable, or run-scoped: a new one for each round")
      ->capture_default_str();
  command->add_option("--rounds", o.rounds, "cold and warm builds of each way")
      ->check(CLI::Range(1U, k_most_rounds))
      ->capture_default_str();
  command->add_option("--jobs", o.jobs, "above 1: also so many cold builds at once, onto one tag")
      ->check(CLI::Range(1U, k_most_jobs))
      ->capture_default_str();
  command->add_flag("--no-warm-up", o.no_warm_up, "without the first build, which is not counted");
  command
      ->add_option("--require", o.require, "gate, for instance 'warm_hit_rate>=95', '429==0', 'conflicts==0'")
      ->expected(1)
      ->take_all();
  command
      ->add_option("--from", o.from,
                   "shows these results (--output of earlier runs) together, measures nothing")
      ->expected(1)
      ->take_all();
  command->add_option("--compare", o.compare, "results of an earlier run to compare with");
  command->add_option("--output", o.output, "file for the results as JSON");
  command->add_option("--svg", o.svg, "file for the chart");
  command->add_option("--summary", o.summary, "file to append the table to; default: the job's summary");
  command->add_flag("--json", o.json, "the results as JSON on standard output");
  command->add_flag("--quiet", o.quiet, "no progress on standard error");
  command->footer(
      "Example:\n  hearth bench --rounds 5 --svg bench.svg\n"
      "  hearth bench --build 'make -j8 CC=\"sccache cc\"' --clean 'make clean' --require "
      "'warm_hit_rate>=95'\n"
      "  hearth bench --leg 'proxy=--sccache-mode proxy' --leg 'direct=--sccache-mode disk'");
  return {command, [options] { return run_command(*options); }};
}

}  // namespace agent::cli
