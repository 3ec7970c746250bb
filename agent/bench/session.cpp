#include "agent/bench/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "agent/bench/builder.hpp"
#include "agent/core/text.hpp"
#include "agent/io/host.hpp"

namespace agent::bench {

namespace {

namespace fs = io::fs;
using namespace std::chrono_literals;

constexpr auto k_copy_deadline = 600s;

Result<void> forget(const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (error) {
    return fail_errno("remove", folder.string(), error.value());
  }
  return {};
}

std::string how_of(const LegPlan& leg) {
  if (!leg.through_hearth) {
    return "sccache on its own disk";
  }
  auto how = fmt::format("hearth run --backend {}", leg.backend.empty() ? "disk://…" : leg.backend);
  for (const auto& flag : leg.flags) {
    how += " " + flag;
  }
  return how;
}

class Session final {
public:
  Session(const Plan& plan, const Progress& progress, const std::stop_token& stop)
      : plan_(plan), progress_(progress), stop_(stop) {}

  Result<Results> run() {
    const auto memory = io::host_memory();
    results_ = {.project = plan_.project.filename().string(),
                .build = plan_.build,
                .started = utc_text(std::chrono::system_clock::now()),
                .tag = plan_.tag,
                .run_scoped = !plan_.run.empty(),
                .jobs = plan_.jobs,
                .cores = std::thread::hardware_concurrency(),
                .memory_bytes = memory ? memory->total_bytes : 0,
                .legs = {},
                .notes = {}};
    for (const auto& leg : plan_.legs) {
      results_.legs.push_back(
          {.name = leg.name, .how = how_of(leg), .rounds = {}, .asks_backend = leg.through_hearth});
    }
    if (plan_.warm_up) {
      AGENT_CHECK(warm_up());
    }
    for (unsigned round = 0; round < plan_.rounds; ++round) {
      AGENT_CHECK(run_round(round));
    }
    AGENT_CHECK(run_shell(plan_, plan_.clean, plan_.project, stop_));
    note_warm_tags();
    return std::move(results_);
  }

private:
  // The build without any cache: what it reads is in the page cache then, for whoever comes first.
  Result<void> warm_up() {
    progress_("a build that is not counted, so that nobody pays for reading the sources first");
    AGENT_CHECK(run_shell(plan_, plan_.clean, plan_.project, stop_));
    const auto begin = std::chrono::steady_clock::now();
    const LegPlan local{.name = "warm-up", .through_hearth = false, .backend = {}, .flags = {}};
    AGENT_CHECK(build(plan_, order_of(local, plan_.project, "warm-up"), stop_));
    progress_(fmt::format("it took {}", human_duration(std::chrono::steady_clock::now() - begin)));
    return forget(plan_.work / local.name);
  }

  BuildOrder order_of(const LegPlan& leg, const fs::path& project, const std::string& tag, unsigned job = 0) {
    const auto folder = plan_.work / leg.name;
    return {.leg = leg,
            .project = project,
            .tag = tag,
            .store = leg.through_hearth ? folder / fmt::format("store-{}", job) : folder / "sccache",
            .backend = folder / "backend"};
  }

  std::string tag_of(const LegPlan& leg, unsigned round) const {
    // On one backend the second way of a shared tag would find what the first one stored.
    auto tag = std::ranges::count_if(plan_.legs, &LegPlan::through_hearth) > 1
                   ? fmt::format("{}-{}", plan_.tag, leg.name)
                   : plan_.tag;
    return plan_.run.empty() ? tag : fmt::format("{}-run-{}-{}", tag, plan_.run, round + 1);
  }

  Result<void> run_round(unsigned round) {
    for (auto& leg : results_.legs) {
      leg.rounds.emplace_back();
    }
    for (const auto i : turn(round)) {
      AGENT_CHECK(begin_anew(plan_.legs[i]));
      AGENT_CHECK(one(i, round, &Round::cold, "cold"));
    }
    for (const auto i : turn(round)) {
      AGENT_CHECK(one(i, round, &Round::warm, "warm"));
    }
    if (plan_.jobs > 1) {
      for (const auto i : turn(round)) {
        AGENT_CHECK(begin_anew(plan_.legs[i]));
        AGENT_CHECK(several(i, round));
      }
    }
    return {};
  }

  Result<void> begin_anew(const LegPlan& leg) const {
    AGENT_CHECK(forget(plan_.work / leg.name));
    return io::make_folders(plan_.work / leg.name);
  }

  // The legs, in turning order: what grows over the rounds, or falls, then says nothing for one of them.
  std::vector<std::size_t> turn(unsigned round) const {
    std::vector<std::size_t> order(plan_.legs.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      order[i] = (i + round) % order.size();
    }
    return order;
  }

  Result<void> one(std::size_t leg, unsigned round, Phase phase, std::string_view name) {
    const auto& plan = plan_.legs[leg];
    AGENT_CHECK(run_shell(plan_, plan_.clean, plan_.project, stop_));
    const auto order = order_of(plan, plan_.project, tag_of(plan, round));
    if (plan.through_hearth) {
      AGENT_CHECK(forget(order.store));  // a new runner has none
    }
    AGENT_TRY(auto built, build(plan_, order, stop_));
    report(plan.name, round, name, built);
    results_.legs[leg].rounds.back().*phase = std::move(built);
    return {};
  }

  // As many jobs of one repository do: each has a checkout of its own, all write one tag.
  Result<void> several(std::size_t leg, unsigned round) {
    const auto& plan = plan_.legs[leg];
    AGENT_CHECK(run_shell(plan_, plan_.clean, plan_.project, stop_));
    std::vector<BuildOrder> orders;
    for (unsigned job = 0; job < plan_.jobs; ++job) {
      const auto copy = plan_.work / "copies" / std::to_string(job);
      AGENT_CHECK(forget(copy));
      AGENT_CHECK(io::make_folders(copy.parent_path()));
      AGENT_TRY(const auto copied, io::run({.arguments = {"cp", "-a", plan_.project.string(), copy.string()},
                                            .environment = plan_.environment,
                                            .folder = {},
                                            .output = io::Command::Output::captured},
                                           k_copy_deadline));
      if (copied.code != 0) {
        return fail(Errc::io, "bench: cannot copy the project: {}", trimmed(copied.errors));
      }
      orders.push_back(order_of(plan, copy, tag_of(plan, round) + "-parallel", job));
    }
    AGENT_TRY(auto built, build_all(plan_, orders, stop_));
    report(plan.name, round, fmt::format("{} at once", plan_.jobs), built);
    results_.legs[leg].rounds.back().parallel = std::move(built);
    return forget(plan_.work / "copies");
  }

  void report(std::string_view leg, unsigned round, std::string_view phase, const Build& built) {
    for (const auto& note : built.notes) {
      auto text = fmt::format("{}: {}", leg, note);
      if (std::ranges::find(results_.notes, text) == results_.notes.end()) {
        results_.notes.push_back(std::move(text));
      }
    }
    const auto total = built.hits.value_or(0) + built.misses.value_or(0);
    progress_(fmt::format("round {} of {}: {} {}: {:.2f} s, {} of {} from the cache", round + 1, plan_.rounds,
                          leg, phase, built.seconds, built.hits.value_or(0), total));
  }

  void note_warm_tags() {
    for (const auto& leg : results_.legs) {
      const auto cold = builds_of(leg, &Round::cold);
      const auto hits =
          std::ranges::count_if(cold, [](const Build& one) { return one.hits.value_or(0) > 0; });
      if (hits > 0) {
        results_.notes.push_back(
            fmt::format("{}: {} of {} cold builds had hits: the tag held entries (--tags run-scoped gives "
                        "each round a tag of its own), or sources are the same once they are preprocessed",
                        leg.name, hits, cold.size()));
      }
    }
  }

  const Plan& plan_;
  const Progress& progress_;
  const std::stop_token& stop_;
  Results results_;
};

}  // namespace

Result<Results> measure(const Plan& plan, const Progress& progress, const std::stop_token& stop) {
  return Session(plan, progress, stop).run();
}

}  // namespace agent::bench
