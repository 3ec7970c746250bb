#include "agent/bench/show.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>

#include "agent/core/text.hpp"
#include "agent/report/plain.hpp"

namespace agent::bench {

namespace {

constexpr std::size_t k_name_limit = 60;
constexpr std::size_t k_text_limit = 300;
constexpr std::string_view k_nothing = "–";

std::string seconds_cell(const std::optional<double>& value) {
  return value ? fmt::format("{:.2f} s", *value) : std::string(k_nothing);
}
std::string percent_cell(const std::optional<double>& value) {
  return value ? fmt::format("{:.1f} %", *value) : std::string(k_nothing);
}
std::string plain_cell(const std::optional<double>& value) {
  return value ? fmt::format("{:.2f}", *value) : std::string(k_nothing);
}
std::string ms_cell(const std::optional<double>& value) {
  return value ? fmt::format("{:.2f} ms", *value) : std::string(k_nothing);
}
std::string count_cell(const std::optional<std::uint64_t>& value) {
  return value ? human_count(*value) : std::string(k_nothing);
}

const Leg* leg_named(const Results* results, const std::string& name) {
  if (results == nullptr) {
    return nullptr;
  }
  const auto found = std::ranges::find(results->legs, name, &Leg::name);
  return found != results->legs.end() ? &*found : nullptr;
}

std::string ratio_cell(const Leg& leg, const Leg& base, Phase phase) {
  if (&leg == &base) {
    return "1";
  }
  const auto ratio = ratio_of(leg, base, phase);
  if (!ratio) {
    return std::string(k_nothing);
  }
  const auto shown = plain_cell(ratio->ratio);
  switch (ratio->spread) {
    case Spread::interval:
      return fmt::format("{} (95 %: {:.2f} to {:.2f})", shown, *ratio->low, *ratio->high);
    case Spread::range:
      return fmt::format("{} (range {:.2f} to {:.2f})", shown, *ratio->low, *ratio->high);
    case Spread::none:
      break;
  }
  return ratio->pairs > 0 ? shown : shown + " (measured apart)";
}

// "8.20 s (-12 %)" against a previous run's.
std::string with_change(std::string cell, const std::optional<double>& now,
                        const std::optional<double>& before) {
  if (now && before && *before > 0) {
    constexpr double k_percent = 100;
    cell += fmt::format(" ({:+.0f} %)", k_percent * ((*now / *before) - 1));
  }
  return cell;
}

using Rows = std::vector<std::vector<std::string>>;

// The first row and the first column are headings.
Rows table_of(const Shown& shown) {
  const auto& base = shown.results.legs.front();
  Rows rows{{"", "cold", "warm", "warm/cold", "warm hits", "Rust hits", "a hit took", "429", "conflicts"}};
  if (shown.results.jobs > 1) {
    rows.front().push_back(fmt::format("{} at once", shown.results.jobs));
  }
  rows.front().push_back(fmt::format("cold against {}", report::plain(base.name, k_name_limit)));
  rows.front().emplace_back("warm");
  for (const auto& leg : shown.results.legs) {
    const auto figures = figures_of(leg);
    const auto* const before = leg_named(shown.previous, leg.name);
    const auto earlier = before != nullptr ? figures_of(*before) : Figures{};
    std::vector<std::string> row{
        report::plain(leg.name, k_name_limit),
        with_change(seconds_cell(figures.cold_seconds), figures.cold_seconds, earlier.cold_seconds),
        with_change(seconds_cell(figures.warm_seconds), figures.warm_seconds, earlier.warm_seconds),
        plain_cell(figures.warm_over_cold),
        percent_cell(figures.warm_hit_rate),
        percent_cell(figures.rust_hit_rate),
        ms_cell(figures.read_hit_ms),
        count_cell(figures.http_429),
        count_cell(figures.conflicts)};
    if (shown.results.jobs > 1) {
      row.push_back(seconds_cell(figures.parallel_seconds));
    }
    row.push_back(ratio_cell(leg, base, &Round::cold));
    row.push_back(ratio_cell(leg, base, &Round::warm));
    rows.push_back(std::move(row));
  }
  return rows;
}

// Columns as characters, not bytes.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string verdict_text(const Verdict& verdict) {
  const auto leg = verdict.leg.empty() ? std::string() : report::plain(verdict.leg, k_name_limit) + ": ";
  const auto gate = report::plain(verdict.gate, k_text_limit);
  if (!verdict.value) {
    return fmt::format("{}{} was not measured", leg, gate);
  }
  return fmt::format("{}{} {} ({:.2f})", leg, gate, verdict.held ? "holds" : "does not hold", *verdict.value);
}

std::string title(const Results& results) {
  return fmt::format("{}: {} ({} {}, {} tag{})", report::plain(results.project, k_name_limit),
                     report::plain(results.build, k_text_limit), results.legs.front().rounds.size(),
                     results.legs.front().rounds.size() == 1 ? "round" : "rounds",
                     results.run_scoped ? "run-scoped" : "stable", results.run_scoped ? "s" : "");
}

}  // namespace

std::string text(const Shown& shown) {
  auto out = title(shown.results) + "\n\n";
  // On a terminal a leg is a column: there are few legs and many figures.
  const auto rows = table_of(shown);
  for (std::size_t figure = 0; figure < rows.front().size(); ++figure) {
    for (std::size_t leg = 0; leg < rows.size(); ++leg) {
      std::size_t width = 0;
      for (const auto& cell : rows[leg]) {
        width = std::max(width, width_of(cell));
      }
      const auto& cell = rows[leg][figure];
      const auto pad = width - width_of(cell);
      out.append(leg == 0 ? 2 : 3 + pad, ' ').append(cell).append(leg == 0 ? pad : 0, ' ');
    }
    out += "\n";
  }
  for (const auto& verdict : shown.verdicts) {
    out += "\n" + verdict_text(verdict);
  }
  for (const auto& note : shown.results.notes) {
    out += "\nnote: " + report::plain(note, k_text_limit);
  }
  return out + "\n";
}

std::string markdown(const Shown& shown) {
  auto out = fmt::format("### {}\n\n", report::markdown_text(title(shown.results), k_text_limit));
  bool heading = true;
  for (const auto& row : table_of(shown)) {
    std::string rule = "|";
    out += "|";
    for (const auto& cell : row) {
      out += " " + report::markdown_text(cell, k_text_limit) + " |";
      rule += &cell == &row.front() ? ":--|" : "--:|";
    }
    out += "\n";
    if (std::exchange(heading, false)) {
      out += rule + "\n";
    }
  }
  for (const auto& leg : shown.results.legs) {
    out += fmt::format("\n- {}: {}", report::markdown_text(leg.name, k_name_limit),
                       report::markdown_code(leg.how, k_text_limit));
  }
  for (const auto& verdict : shown.verdicts) {
    out += fmt::format("\n- {} {}", verdict.held ? "✅" : "❌",
                       report::markdown_text(verdict_text(verdict), k_text_limit));
  }
  for (const auto& note : shown.results.notes) {
    out += "\n- " + report::markdown_text(note, k_text_limit);
  }
  return out + "\n";
}

}  // namespace agent::bench
