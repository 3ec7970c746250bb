#include "agent/report/live.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/core/text.hpp"
#include "agent/report/amounts.hpp"
#include "agent/report/plain.hpp"

namespace agent::report {

namespace {

constexpr std::size_t k_name_width = 12;
constexpr std::size_t k_narrowest = 40;
constexpr std::size_t k_sparks = 40;
constexpr std::string_view k_ended = "ended";

using Count = std::optional<std::uint64_t> Figures::*;

// What a count grew by in a second, for each step between two moments; a count that fell is of a new agent.
std::vector<double> rates(const Moments& moments, Count count) {
  std::vector<double> all;
  for (std::size_t i = 1; i < moments.size(); ++i) {
    const auto before = (moments[i - 1].figures.*count).value_or(0);
    const auto after = (moments[i].figures.*count).value_or(0);
    const auto seconds = std::chrono::duration<double>(moments[i].at - moments[i - 1].at).count();
    all.push_back(seconds > 0 && after >= before ? static_cast<double>(after - before) / seconds : 0);
  }
  return all;
}

std::string sparkline(const std::vector<double>& values, std::size_t width) {
  constexpr std::array<std::string_view, 8> k_levels{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const auto shown = std::min(values.size(), width);
  const auto from = values.end() - static_cast<std::ptrdiff_t>(shown);
  const double most = shown > 0 ? *std::max_element(from, values.end()) : 0;
  std::string line;
  for (auto value = from; value != values.end(); ++value) {
    const auto level = most > 0 ? *value / most * static_cast<double>(k_levels.size() - 1) : 0;
    line += k_levels.at(static_cast<std::size_t>(level));
  }
  return line;
}

std::string bar(double share, std::size_t width) {
  const auto full = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(width));
  std::string drawn;
  for (std::size_t i = 0; i < width; ++i) {
    drawn += i < full ? "█" : "░";
  }
  return drawn;
}

// Neighbours brought together, so that a whole run fits into `width`.
std::vector<double> condensed(const std::vector<double>& values, std::size_t width) {
  if (values.size() <= width || width == 0) {
    return values;
  }
  std::vector<double> means(width);
  for (std::size_t i = 0; i < width; ++i) {
    const auto from = i * values.size() / width;
    const auto to = (i + 1) * values.size() / width;
    means[i] = std::accumulate(values.begin() + static_cast<std::ptrdiff_t>(from),
                               values.begin() + static_cast<std::ptrdiff_t>(to), 0.0) /
               static_cast<double>(to - from);
  }
  return means;
}

// Of the whole run, by what a count was at its end.
double mean_rate(const Moments& moments, Count count) {
  const auto seconds = std::chrono::duration<double>(moments.back().at - moments.front().at).count();
  return seconds > 0 ? static_cast<double>((moments.back().figures.*count).value_or(0)) / seconds : 0;
}

double last_of(const std::vector<double>& values) {
  return values.empty() ? 0 : values.back();
}

struct Lookups {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
};

Lookups lookups_of(const Figures& figures) {
  return {.hits = figures.lookups_hit.value_or(0), .misses = figures.lookups_missed.value_or(0)};
}

std::string publishing(const Figures& figures) {
  return fmt::format("{} published, {} pending, {} refused", count_text(figures.published),
                     count_text(figures.pending), human_count(total_of(figures.refused)));
}

std::string troubles(const Figures& figures) {
  return fmt::format("429 {}, conflicts {}, retries {}, calls {}", count_text(figures.http_429),
                     count_text(figures.conflicts), count_text(figures.retries),
                     count_text(figures.backend_calls));
}

}  // namespace

Moments moments_of(const Figures& figures, const std::vector<TimelinePoint>& timeline) {
  Moments moments;
  for (const auto& point : timeline) {
    Figures then;
    then.lookups_hit = point.hits;
    then.lookups_missed = point.misses;
    then.stores = point.stores;
    then.bytes_read = point.read_bytes;
    moments.push_back({.at = std::chrono::steady_clock::time_point(std::chrono::milliseconds(point.at_ms)),
                       .figures = std::move(then)});
  }
  if (moments.empty()) {
    moments.push_back({.at = {}, .figures = {}});
  }
  moments.back().figures = figures;
  moments.back().figures.phase = k_ended;
  return moments;
}

std::string live_screen(const Moments& moments, std::size_t columns) {
  if (moments.empty()) {
    return "waiting for the agent\n";
  }
  const auto width = std::max(columns, k_narrowest);
  const auto& now = moments.back().figures;
  std::string out;
  const auto line = [&](std::string_view name, std::string_view value) {
    out += fmt::format("{:<{}} {}\n", name, k_name_width, plain(value, width - k_name_width - 2));
  };
  const auto graph = [&](std::string_view name, Count count, auto shown) {
    const bool ended = now.phase == k_ended;
    const auto room = std::min(k_sparks, width - k_name_width - 17);
    const auto all = rates(moments, count);
    const auto text = shown(ended ? mean_rate(moments, count) : last_of(all));
    line(name, fmt::format("{:<14} {}", text, sparkline(ended ? condensed(all, room) : all, room)));
  };
  const auto per_second = [](double rate) { return fmt::format("{:.0f}/s", rate); };
  const auto bytes_per_second = [](double rate) {
    return human_size(static_cast<std::uint64_t>(rate)) + "/s";
  };
  line("tag", fmt::format("{}{} ({}, {})", now.tag,
                          now.generation ? fmt::format(", generation {}", *now.generation) : "", now.mode,
                          now.phase));
  line("storage", now.backend);
  const auto lookups = lookups_of(now);
  const auto total = lookups.hits + lookups.misses;
  line("hits", fmt::format("{:<14} {}", rate_text(lookups.hits, lookups.misses).value_or("nothing yet"),
                           bar(total > 0 ? static_cast<double>(lookups.hits) / static_cast<double>(total) : 0,
                               std::min(k_sparks, width - k_name_width - 17))));
  graph("found", &Figures::lookups_hit, per_second);
  graph("missed", &Figures::lookups_missed, per_second);
  graph("stored", &Figures::stores, per_second);
  graph("read", &Figures::bytes_read, bytes_per_second);
  line("a hit takes", fmt::format("p50 {}, p95 {}, p99 {}", milliseconds_text(now.latency.p50),
                                  milliseconds_text(now.latency.p95), milliseconds_text(now.latency.p99)));
  line("publishing", publishing(now));
  line("backend", troubles(now));
  if (!now.miss_reasons.empty()) {
    constexpr std::size_t k_reasons = 4;
    line("misses", ranked_text(now.miss_reasons, k_reasons));
  }
  for (const auto& note : now.notes) {
    line("note", note);
  }
  return out;
}

std::string live_line(const Moments& moments) {
  if (moments.empty()) {
    return "waiting for the agent\n";
  }
  const auto& now = moments.back().figures;
  const auto lookups = lookups_of(now);
  return fmt::format(
      "{} hits ({}), {:.0f} lookups/s, {} stored, {}, {}\n", human_count(lookups.hits),
      rate_text(lookups.hits, lookups.misses).value_or("nothing yet"),
      last_of(rates(moments, &Figures::lookups_hit)) + last_of(rates(moments, &Figures::lookups_missed)),
      count_text(now.stores), publishing(now), troubles(now));
}

}  // namespace agent::report
