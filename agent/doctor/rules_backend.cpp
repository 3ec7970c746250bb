// Hearth's own storage: not to be had, not to be written, lost, or another one than last time.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "agent/doctor/rule.hpp"
#include "agent/report/amounts.hpp"

namespace agent::doctor {

namespace {

constexpr double k_mostly = 0.5;

std::uint64_t count_in(const report::Counts& counts, std::string_view name) {
  const auto at = counts.find(std::string(name));
  return at == counts.end() ? 0 : at->second;
}

const std::string* note_saying(const Chart& chart, std::string_view words) {
  const auto& notes = chart.figures.notes;
  const auto at = std::ranges::find_if(notes, [&](const std::string& note) { return note.contains(words); });
  return at == notes.end() ? nullptr : &*at;
}

// A value of this run against that of the last.
std::vector<std::string> two_values(std::string_view what, std::string_view then, std::string_view now) {
  return {fmt::format("last run: {} {}", what, then), fmt::format("this run: {} {}", what, now)};
}

Finding backend_unusable(const Chart& chart) {
  const auto* note = note_saying(chart, "cannot be used");
  if (note == nullptr) {
    note = note_saying(chart, "the tag could not be read");
  }
  if (note == nullptr) {
    return std::nullopt;
  }
  return found(Certainty::certain, 1,
               {.title = "The backend could not be used: nothing was read from it",
                .evidence = {*note},
                .fix = fmt::format("hearth ls --backend '{}'   # tries the same, and says what is wrong",
                                   chart.figures.backend)});
}

Finding backend_errors(const Chart& chart) {
  const auto count = count_in(chart.figures.miss_reasons, "backend error");
  if (count == 0) {
    return std::nullopt;
  }
  const auto all = std::max<std::uint64_t>(report::total_of(chart.figures.miss_reasons), 1);
  return found(
      Certainty::certain, static_cast<double>(count) / static_cast<double>(all),
      {.title = "The backend failed while it was asked: those lookups are misses",
       .evidence = {fmt::format("miss_reasons: {}", report::ranked_text(chart.figures.miss_reasons, 4)),
                    fmt::format("suspended after failures: {}",
                                report::times(chart.figures.breaker_openings.value_or(0)))},
       .fix = fmt::format("hearth check --backend '{}' {}", chart.figures.backend, chart.figures.tag)});
}

Finding objects_lost(const Chart& chart) {
  const auto gone = count_in(chart.figures.miss_reasons, "pack gone");
  const auto corrupt = count_in(chart.figures.miss_reasons, "corrupt");
  if (gone + corrupt == 0) {
    return std::nullopt;
  }
  return found(Certainty::certain, chart.miss_share(),
               {.title = "Packs of the tag are gone or damaged in the backend",
                .evidence = {fmt::format("miss_reasons: pack gone {}, corrupt {}", gone, corrupt)},
                .fix = fmt::format("hearth check --backend '{}' {}\nhearth gc --backend '{}'",
                                   chart.figures.backend, chart.figures.tag, chart.figures.backend)});
}

Finding cache_off(const Chart& chart) {
  if (chart.figures.mode != "off" && chart.figures.mode != "write-only") {
    return std::nullopt;
  }
  return found(Certainty::certain, 1,
               {.title = chart.figures.mode == "off" ? "The cache is off for this run"
                                                     : "This run may store but not look up",
                .evidence = {"mode: " + chart.figures.mode},
                .fix = "mode: auto        # in the workflow; on a command line: --mode read-write"});
}

Finding job_read_only(const Chart& chart) {
  if (chart.figures.mode != "read-only" || !chart.low()) {
    return std::nullopt;
  }
  const auto refused = count_in(chart.figures.refused, "read-only");
  return found(Certainty::certain, chart.miss_share(),
               {.title = "This run is read-only: what it compiled is missing in the next one again",
                .evidence = {"mode: read-only",
                             fmt::format("not published: read-only {}", report::counted(refused, "object"))},
                .fix = "# Let a trusted run on the default branch write the tag:\n"
                       "on:\n  push:\n    branches: [main]"});
}

Finding not_published(const Chart& chart) {
  auto refused = chart.figures.refused;
  refused.erase("read-only");
  refused.erase("off");
  refused.erase("no backend");
  const auto lost = chart.figures.pending.value_or(0) + report::total_of(refused);
  if (chart.source == Source::agent || lost == 0 || backend_unusable(chart)) {
    return std::nullopt;
  }
  std::vector<std::string> evidence = {
      fmt::format("stored {}, published {}, pending {}, refused {}", report::count_text(chart.figures.stores),
                  report::count_text(chart.figures.published), report::count_text(chart.figures.pending),
                  report::ranked_text(refused, 3))};
  if (const auto* note = note_saying(chart, "publish")) {
    evidence.push_back(*note);
  }
  if (chart.figures.http_429.value_or(0) > 0) {
    evidence.push_back(fmt::format("told to slow down (429): {}", report::times(*chart.figures.http_429)));
  }
  const auto stored = std::max<std::uint64_t>(chart.figures.stores.value_or(lost), 1);
  return found(
      Certainty::certain, std::min(1.0, static_cast<double>(lost) / static_cast<double>(stored)),
      {.title = "Not everything that was compiled reached the backend",
       .evidence = std::move(evidence),
       .fix = "hearth run --drain-deadline 5m -- …   # more time to publish; what is kept goes out then"});
}

// The same work as last time, or at least in the same place.
bool comparable(const Chart& chart) {
  return chart.previous.has_value() && chart.low();
}

Finding tag_changed(const Chart& chart) {
  if (!comparable(chart)) {
    return std::nullopt;
  }
  const auto& then = chart.previous->figures;
  const auto& now = chart.figures;
  if (then.tag == now.tag && then.scope == now.scope) {
    return std::nullopt;
  }
  const bool by_tag = then.tag != now.tag;
  return found(
      Certainty::certain, chart.miss_share(),
      {.title = by_tag ? "This run used another tag than the last one" : "This run wrote another scope",
       .evidence = by_tag ? two_values("tag", then.tag, now.tag) : two_values("scope", then.scope, now.scope),
       .fix = by_tag ? "hearth tag --explain   # says which part changed, and where it comes from"
                     : fmt::format("hearth run --also-scope {} -- …", then.scope)});
}

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// "…-run-<id>-<attempt>" as keys::root_tag ends a tag; a tag may say "run" elsewhere.
bool names_a_run(std::string_view tag) {
  constexpr std::string_view k_mark = "-run-";
  const auto at = tag.rfind(k_mark);
  if (at == std::string_view::npos) {
    return false;
  }
  const auto run = tag.substr(at + k_mark.size());
  const auto dash = run.find('-');
  return dash != std::string_view::npos && is_number(run.substr(0, dash)) && is_number(run.substr(dash + 1));
}

Finding run_scoped(const Chart& chart) {
  if (!names_a_run(chart.figures.tag) || !chart.low()) {
    return std::nullopt;
  }
  return found(Certainty::certain, chart.miss_share() * 1.01,
               {.title = "The tag names this very run: nobody has ever written it before",
                .evidence = {"tag: " + chart.figures.tag},
                .fix = "run-scoped: false   # for isolated benchmarks only"});
}

Finding backend_changed(const Chart& chart) {
  if (!comparable(chart) || chart.previous->figures.backend == chart.figures.backend) {
    return std::nullopt;
  }
  // None is nowhere to go back to: what that run compiled stayed in its local store.
  const bool had_one = chart.previous->figures.backend != "none";
  const auto& better = had_one ? chart.previous->figures.backend : chart.figures.backend;
  return found(Certainty::certain, chart.miss_share(),
               {.title = had_one ? "This run used another backend than the last one"
                                 : "The last run had no backend: nothing of it reached this one's",
                .evidence = two_values("backend", chart.previous->figures.backend, chart.figures.backend),
                .fix = fmt::format("hearth run --backend '{}' -- …   # in every run", better)});
}

Finding mode_changed(const Chart& chart) {
  if (!comparable(chart)) {
    return std::nullopt;
  }
  const auto& then = chart.previous->figures.sccache_mode;
  const auto& now = chart.figures.sccache_mode;
  if (then.empty() || now.empty() || then == now) {
    return std::nullopt;
  }
  return found(Certainty::certain, chart.miss_share(),
               {.title = "sccache's mode changed: keys of C and C++ differ between the two",
                .evidence = two_values("sccache mode", then, now),
                .fix = fmt::format("hearth run --sccache-mode {} -- …", then)});
}

Finding storage_lost(const Chart& chart) {
  const auto keys = overlap(chart);
  if (!keys || !chart.low() || keys->share() < k_mostly || keys->lost == 0 || tag_changed(chart) ||
      backend_changed(chart) || backend_unusable(chart)) {
    return std::nullopt;
  }
  const auto lost =
      static_cast<double>(keys->lost) / static_cast<double>(std::max<std::uint64_t>(keys->asked, 1));
  if (lost < 0.1 || chart.previous->figures.mode == "read-only" || chart.figures.mode == "off") {
    return std::nullopt;
  }
  return found(
      Certainty::certain, lost,
      {.title = "The same keys as last time, and the storage no longer has them",
       .evidence = {fmt::format("{} of {} keys of this run were asked for in the last run too", keys->again,
                                keys->asked),
                    fmt::format("{} of them were hit or stored then and are missing now", keys->lost),
                    fmt::format("objects in the tag: {}",
                                report::count_text(chart.figures.tag_objects_before))},
       .fix = fmt::format("hearth ls --backend '{0}'\nhearth check --backend '{0}' {1}",
                          chart.figures.backend, chart.figures.tag)});
}

constexpr std::array<Rule, 11> k_rules = {{{"backend-unusable", backend_unusable},
                                           {"backend-errors", backend_errors},
                                           {"objects-lost", objects_lost},
                                           {"cache-off", cache_off},
                                           {"job-read-only", job_read_only},
                                           {"not-published", not_published},
                                           {"run-scoped", run_scoped},
                                           {"tag-changed", tag_changed},
                                           {"backend-changed", backend_changed},
                                           {"mode-changed", mode_changed},
                                           {"storage-lost", storage_lost}}};

}  // namespace

std::span<const Rule> backend_rules() {
  return k_rules;
}

}  // namespace agent::doctor
