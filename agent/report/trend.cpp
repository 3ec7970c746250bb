#include "agent/report/trend.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>

#include "agent/core/text.hpp"
#include "agent/report/amounts.hpp"

namespace agent::report {

namespace {

using Values = std::vector<std::optional<double>>;
using Show = std::function<std::string(double)>;

constexpr double k_percent = 100;

std::string percent_text(double percent) {
  return rate_text(static_cast<std::uint64_t>(percent * 1000),
                   static_cast<std::uint64_t>((k_percent - percent) * 1000))
      .value_or("0 %");
}

std::optional<TrendLine> line_of(std::string_view name, const Values& values, double highest,
                                 const Show& show) {
  const auto known = std::ranges::count_if(values, [](const auto& value) { return value.has_value(); });
  if (known < 2 || !values.back()) {
    return std::nullopt;
  }
  const auto first = std::ranges::find_if(values, [](const auto& value) { return value.has_value(); });
  return TrendLine{.name = std::string(name),
                   .sparkline = sparkline(values, highest),
                   .first = fmt::format("{} runs, from {}", known, show(**first)),
                   .last = show(*values.back())};
}

double highest_of(const Values& values) {
  double highest = 0;
  for (const auto& value : values) {
    highest = std::max(highest, value.value_or(0));
  }
  return highest;
}

}  // namespace

std::string sparkline(const std::vector<std::optional<double>>& values, double highest) {
  constexpr std::array<std::string_view, 8> k_blocks = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::string line;
  for (const auto& value : values) {
    if (!value) {
      line += "·";
      continue;
    }
    const auto share = highest > 0 ? std::clamp(*value / highest, 0.0, 1.0) : 0.0;
    line += k_blocks.at(static_cast<std::size_t>(share * static_cast<double>(k_blocks.size() - 1)));
  }
  return line;
}

std::vector<TrendLine> trend(const Figures& figures) {
  const auto& earlier = figures.earlier_runs;
  if (earlier.empty() || !figures.hits || !figures.misses) {
    return {};
  }
  Values rates;
  Values saved;
  Values took;
  const auto skipped = earlier.size() - std::min(earlier.size(), k_runs_in_trend - 1);
  for (auto i = skipped; i < earlier.size(); ++i) {
    rates.push_back(hit_rate_of(earlier[i].hits, earlier[i].misses));
    saved.push_back(earlier[i].saved_seconds);
    took.push_back(earlier[i].seconds);
  }
  rates.push_back(hit_rate_of(*figures.hits, *figures.misses));
  saved.push_back(figures.saved_seconds_estimate);
  took.push_back(figures.seconds);
  const auto seconds = [](double value) { return seconds_text(value); };
  std::vector<TrendLine> lines;
  for (auto& line : {line_of("hit rate", rates, k_percent, percent_text),
                     line_of("time saved", saved, highest_of(saved), seconds),
                     line_of("time taken", took, highest_of(took), seconds)}) {
    if (line) {
      lines.push_back(*line);
    }
  }
  return lines;
}

std::string trend_markdown(const Figures& figures) {
  std::string table;
  for (const auto& line : trend(figures)) {
    if (table.empty()) {
      table = "| Last runs | this one at the right | This run |\n|:--|:--|--:|\n";
    }
    auto name = line.name;
    name.front() = static_cast<char>(name.front() - 'a' + 'A');
    table += fmt::format("| {} | `{}` {} | {} |\n", name, line.sparkline, line.first, line.last);
  }
  return table;
}

}  // namespace agent::report
