#include "agent/doctor/chart.hpp"

#include <algorithm>
#include <iterator>

#include "agent/report/amounts.hpp"

namespace agent::doctor {

namespace {

using Keys = std::vector<std::uint64_t>;

// All keys of the outcomes that are wanted, sorted, each once.
template <typename Wanted>
Keys keys_where(const cache::Requests& requests, Wanted wanted) {
  Keys all;
  for (const auto& [outcome, keys] : requests.keys) {
    if (wanted(outcome)) {
      all.insert(all.end(), keys.begin(), keys.end());
    }
  }
  std::ranges::sort(all);
  const auto repeated = std::ranges::unique(all);
  all.erase(repeated.begin(), repeated.end());
  return all;
}

bool is(std::string_view outcome, cache::Outcome wanted) {
  return outcome == cache::name_of(wanted);
}

// What a run left in the cache, or found there.
Keys kept_by(const cache::Requests& requests) {
  return keys_where(requests, [](std::string_view outcome) {
    return is(outcome, cache::Outcome::stored) || is(outcome, cache::Outcome::hit);
  });
}

std::uint64_t common(const Keys& a, const Keys& b) {
  Keys both;
  std::ranges::set_intersection(a, b, std::back_inserter(both));
  return both.size();
}

constexpr std::string_view k_disk = "disk";

// Where sccache works on a folder of its own, the keys of what it stores are seen, and of what it hits the
// number only. A hit is a key that the last run had too, or one before it. Nothing is told where the last run
// hit much itself: which keys those were is not known, and they may be what is missed now.
std::optional<Overlap> overlap_of_stores(const Chart& chart, const app::RunRecord& then) {
  constexpr double k_known_enough = 0.1;  // of the keys of the last run may be unknown
  const auto stored_now = keys_where(
      chart.requests, [](std::string_view outcome) { return is(outcome, cache::Outcome::stored); });
  const auto known_then = kept_by(then.requests);
  const auto hits_then = then.statistics ? then.statistics->hits() : then.figures.hits.value_or(0);
  const bool unknown =
      then.figures.sccache_mode == k_disk &&
      static_cast<double>(hits_then) > k_known_enough * static_cast<double>(hits_then + known_then.size());
  if (stored_now.empty() || known_then.empty() || unknown) {
    return std::nullopt;
  }
  const auto stored_again = common(stored_now, known_then);
  return Overlap{
      .asked = chart.hits() + stored_now.size(), .again = chart.hits() + stored_again, .lost = stored_again};
}

}  // namespace

std::uint64_t Chart::hits() const {
  return statistics ? statistics->hits() : figures.hits.value_or(0);
}

std::uint64_t Chart::misses() const {
  return statistics ? statistics->misses() : figures.misses.value_or(0);
}

std::uint64_t Chart::misses_of(std::string_view language) const {
  const std::string name(language);
  if (statistics) {
    const auto at = statistics->languages.find(name);
    return at == statistics->languages.end() ? 0 : at->second.misses;
  }
  const auto at = figures.languages.find(name);
  return at == figures.languages.end() ? 0 : at->second.misses;
}

const std::map<std::string, std::uint64_t>& Chart::reasons() const {
  return statistics ? statistics->not_cached : figures.non_cacheable;
}

bool is_question(std::string_view reason) {
  return reason == "-" || reason == "missing input";
}

std::uint64_t Chart::not_cacheable() const {
  std::uint64_t count = 0;
  for (const auto& [reason, own] : reasons()) {
    count += is_question(reason) ? 0 : own;
  }
  return count;
}

std::uint64_t Chart::requests_seen() const {
  return hits() + misses() + not_cacheable();
}

bool Chart::counted() const {
  // Where no server runs, sccache's client prints zeros.
  const bool by_sccache = statistics && (ours() || !server.asked || server.running);
  return by_sccache || figures.hits.has_value();
}

double Chart::miss_share() const {
  const auto total = hits() + misses();
  return total == 0 ? 0 : static_cast<double>(misses()) / static_cast<double>(total);
}

bool Chart::low() const {
  constexpr double k_percent = 100;
  return hits() + misses() > 0 && (1 - miss_share()) * k_percent < min_hit_rate;
}

std::string Chart::variable(std::string_view name) const {
  return io::variable_in(surroundings.environment, name);
}

std::string Chart::shown(std::string_view name) const {
  return fmt::format("{}={}", name, variable(name));
}

const sccache::LogLine* Chart::said(sccache::LogTopic topic) const {
  const auto found = std::ranges::find(log, topic, &sccache::LogLine::topic);
  return found == log.end() ? nullptr : &*found;
}

const sccache::LogLine* Chart::said(sccache::LogTopic topic, int status) const {
  const auto found = std::ranges::find_if(
      log, [&](const sccache::LogLine& line) { return line.topic == topic && line.status == status; });
  return found == log.end() ? nullptr : &*found;
}

std::optional<Overlap> overlap(const Chart& chart) {
  if (!chart.previous) {
    return std::nullopt;
  }
  const auto& then = *chart.previous;
  if (chart.figures.sccache_mode == k_disk) {
    return overlap_of_stores(chart, then);
  }
  const auto looked_up = [](std::string_view outcome) { return !is(outcome, cache::Outcome::stored); };
  const auto asked_now = keys_where(chart.requests, looked_up);
  const auto asked_then = keys_where(then.requests, looked_up);
  if (asked_now.empty() || asked_then.empty()) {
    return std::nullopt;
  }
  const auto missed = keys_where(chart.requests, [&](std::string_view outcome) {
    return looked_up(outcome) && !is(outcome, cache::Outcome::hit);
  });
  return Overlap{.asked = asked_now.size(),
                 .again = common(asked_now, asked_then),
                 .lost = common(missed, kept_by(then.requests))};
}

}  // namespace agent::doctor
