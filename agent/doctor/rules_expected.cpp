// Looks like a broken cache and is none: a first run, languages averaged together.
#include <fmt/format.h>

#include <array>

#include "agent/doctor/rule.hpp"
#include "agent/report/amounts.hpp"

namespace agent::doctor {

namespace {

Finding first_run(const Chart& chart) {
  if (!chart.ours() || !chart.low() || chart.previous || chart.figures.mode == "off") {
    return std::nullopt;
  }
  if (chart.figures.tag_objects_before != 0U) {  // or it was never read
    return std::nullopt;
  }
  return found(
      Certainty::certain, chart.miss_share() * 0.1,
      {.title = "This is the first run of its tag: there was nothing to hit yet",
       .evidence = {"tag: " + chart.figures.tag, fmt::format("objects in the tag: 0 before, published now {}",
                                                             report::count_text(chart.figures.published))},
       .fix = "# Nothing is wrong: run it again"});
}

Finding no_backend(const Chart& chart) {
  if (!chart.ours() || !chart.low() || chart.figures.backend != "none" || chart.figures.mode == "off") {
    return std::nullopt;
  }
  return found(
      Certainty::certain, chart.miss_share() * 0.5,
      {.title = "No backend: what one run compiles is not there for the next, but in the local store",
       .evidence = {"backend: none"},
       .fix = "hearth run --backend disk:///srv/hearth -- …"});
}

Finding recache(const Chart& chart) {
  if (!chart.statistics || chart.statistics->forced_recaches == 0) {
    return std::nullopt;
  }
  std::vector<std::string> evidence = {fmt::format("forced_recaches: {}", chart.statistics->forced_recaches)};
  if (!chart.variable("SCCACHE_RECACHE").empty()) {
    evidence.push_back(chart.shown("SCCACHE_RECACHE"));
  }
  return found(Certainty::certain, 1,
               {.title = "SCCACHE_RECACHE is set: sccache compiles everything anew on purpose",
                .evidence = std::move(evidence),
                .fix = "unset SCCACHE_RECACHE"});
}

Finding no_cache(const Chart& chart) {
  if (chart.variable("SCCACHE_NO_CACHE").empty() || chart.hits() > 0) {
    return std::nullopt;
  }
  return found(Certainty::certain, 1,
               {.title = "SCCACHE_NO_CACHE is set: sccache looks nothing up and stores nothing",
                .evidence = {chart.shown("SCCACHE_NO_CACHE")},
                .fix = "unset SCCACHE_NO_CACHE"});
}

constexpr std::array<Rule, 4> k_rules = {
    {{"recache", recache}, {"no-cache", no_cache}, {"no-backend", no_backend}, {"first-run", first_run}}};

}  // namespace

std::span<const Rule> expected_rules() {
  return k_rules;
}

}  // namespace agent::doctor
