#include "agent/doctor/diagnosis.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <utility>

#include "agent/core/text.hpp"
#include "agent/doctor/rule.hpp"
#include "agent/report/amounts.hpp"

namespace agent::doctor {

namespace {

constexpr std::size_t k_reasons_shown = 5;

template <typename Take>
void each_rule(Take take) {
  for (const auto group :
       std::array{engagement_rules(), server_rules(), storage_rules(), backend_rules(), key_rules(),
                  source_rules(), cacheable_rules(), expected_rules(), setting_rules()}) {
    for (const auto& rule : group) {
      take(rule);
    }
  }
}

// "the run of 2026-11-22 20:15 UTC in /src: make (745b2156)".
std::string run_text(const Chart& chart) {
  const std::chrono::sys_time<std::chrono::milliseconds> began{std::chrono::milliseconds(chart.ran.began_ms)};
  return fmt::format("the run of {:%Y-%m-%d %H:%M} UTC in {}: {}",
                     std::chrono::floor<std::chrono::seconds>(began), chart.surroundings.folder,
                     chart.surroundings.command);
}

std::string source_text(const Chart& chart) {
  switch (chart.source) {
    case Source::run:
      return run_text(chart);
    case Source::agent:
      return "the agent's figures";
    case Source::live:
      break;
  }
  return "this folder, its environment and sccache";
}

}  // namespace

Ceiling ceiling_of(const Chart& chart) {
  Ceiling ceiling;
  ceiling.cacheable = chart.hits() + chart.misses();
  ceiling.total = ceiling.cacheable;
  for (const auto& [reason, count] : chart.reasons()) {
    if (!is_question(reason) && count > 0) {
      ceiling.reasons.emplace(reason, count);
      ceiling.total += count;
    }
  }
  return ceiling;
}

std::string Ceiling::sentence() const {
  if (total == 0) {
    return {};
  }
  const auto rate = report::rate_text(cacheable, total - cacheable).value_or("0 %");
  return fmt::format("At most {} of {} can be cached{}{}.", rate, report::counted(total, "compilation"),
                     reasons.empty() ? "" : ": not ",
                     reasons.empty() ? "" : report::ranked_text(reasons, k_reasons_shown));
}

Diagnosis examine(const Chart& chart) {
  Diagnosis diagnosis{
      .looked_at = source_text(chart), .unseen = chart.unseen, .verdicts = {}, .ceiling = ceiling_of(chart)};
  const auto found = [&](std::string_view name) {
    return std::ranges::find(diagnosis.verdicts, name, &report::Verdict::rule) != diagnosis.verdicts.end();
  };
  each_rule([&](const Rule& rule) {
    if (std::ranges::any_of(rule.unless, found)) {
      return;
    }
    if (auto finding = rule.detect(chart)) {
      finding->rule = rule.name;
      diagnosis.verdicts.push_back(*std::move(finding));
    }
  });
  report::rank(diagnosis.verdicts);
  const bool idle = chart.requests_seen() == 0 && report::total_of(chart.figures.fallbacks) == 0;
  if (chart.ours() && idle && diagnosis.verdicts.empty()) {
    diagnosis.unseen.emplace_back(
        "a build: sccache was asked for nothing, and nothing in the folder shows one");
  }
  return diagnosis;
}

io::Json to_json(const Diagnosis& diagnosis) {
  io::JsonArray verdicts;
  for (const auto& verdict : diagnosis.verdicts) {
    verdicts.push_back(report::to_json(verdict));
  }
  io::JsonObject reasons;
  for (const auto& [reason, count] : diagnosis.ceiling.reasons) {
    reasons.emplace(reason, count);
  }
  return io::JsonObject{{"looked_at", diagnosis.looked_at},
                        {"unseen", io::JsonArray(diagnosis.unseen.begin(), diagnosis.unseen.end())},
                        {"verdicts", std::move(verdicts)},
                        {"ceiling", io::JsonObject{{"cacheable", diagnosis.ceiling.cacheable},
                                                   {"total", diagnosis.ceiling.total},
                                                   {"reasons", std::move(reasons)}}}};
}

std::string text_of(const Diagnosis& diagnosis, const Chart& chart) {
  auto out = fmt::format("hearth doctor: looked at {}.\n", diagnosis.looked_at);
  if (const auto ceiling = diagnosis.ceiling.sentence(); !ceiling.empty()) {
    out += ceiling + "\n";
  }
  if (chart.counted() && chart.hits() + chart.misses() > 0) {
    out += fmt::format("{} of {} were hits.\n", human_count(chart.hits()),
                       report::counted(chart.hits() + chart.misses(), "cacheable compilation"));
  }
  for (const auto& what : diagnosis.unseen) {
    out += fmt::format("Not seen: {}.\n", what);
  }
  if (diagnosis.verdicts.empty()) {
    return out + (diagnosis.unseen.empty() ? "Nothing is wrong.\n" : "Nothing was found in the rest.\n");
  }
  return out + report::verdict_text(diagnosis.verdicts, std::numeric_limits<std::size_t>::max());
}

std::vector<std::string_view> rule_names() {
  std::vector<std::string_view> names;
  each_rule([&](const Rule& rule) { names.push_back(rule.name); });
  return names;
}

}  // namespace agent::doctor
