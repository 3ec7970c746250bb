#include "agent/bench/gate.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "agent/core/text.hpp"

namespace agent::bench {

namespace {

constexpr std::size_t k_longest = 200;

struct NamedFigure {
  std::string_view name;
  std::optional<double> (*read)(const Figures& figures);
  bool of_the_backend = false;  // a way that asks none has no such figure
};

template <auto Member>
std::optional<double> read(const Figures& figures) {
  const auto& value = figures.*Member;
  return value ? std::optional(static_cast<double>(*value)) : std::nullopt;
}

constexpr std::array<NamedFigure, 12> k_figures{{{"cold_seconds", &read<&Figures::cold_seconds>},
                                                 {"warm_seconds", &read<&Figures::warm_seconds>},
                                                 {"parallel_seconds", &read<&Figures::parallel_seconds>},
                                                 {"warm_over_cold", &read<&Figures::warm_over_cold>},
                                                 {"ratio", &read<&Figures::warm_over_cold>},
                                                 {"cold_hit_rate", &read<&Figures::cold_hit_rate>},
                                                 {"warm_hit_rate", &read<&Figures::warm_hit_rate>},
                                                 {"rust_hit_rate", &read<&Figures::rust_hit_rate>},
                                                 {"read_hit_ms", &read<&Figures::read_hit_ms>},
                                                 {"429", &read<&Figures::http_429>, true},
                                                 {"http_429", &read<&Figures::http_429>, true},
                                                 {"conflicts", &read<&Figures::conflicts>, true}}};

using Comparison = Gate::Comparison;

struct NamedComparison {
  std::string_view sign;
  Comparison comparison;
};
constexpr std::array<NamedComparison, 6> k_signs{{{"<=", Comparison::at_most},
                                                  {">=", Comparison::at_least},
                                                  {"==", Comparison::equal},
                                                  {"!=", Comparison::unequal},
                                                  {"<", Comparison::less},
                                                  {">", Comparison::more}}};

bool holds(double value, Comparison comparison, double bound) {
  switch (comparison) {
    case Comparison::less:
      return value < bound;
    case Comparison::at_most:
      return value <= bound;
    case Comparison::equal:
      return value == bound;
    case Comparison::unequal:
      return value != bound;
    case Comparison::at_least:
      return value >= bound;
    case Comparison::more:
      return value > bound;
  }
  return false;
}

const NamedFigure* figure_named(std::string_view name) {
  const auto* const found = std::ranges::find(k_figures, name, &NamedFigure::name);
  return found != k_figures.end() ? found : nullptr;
}

}  // namespace

std::vector<std::string_view> gate_figures() {
  std::vector<std::string_view> names;
  std::ranges::transform(k_figures, std::back_inserter(names), &NamedFigure::name);
  return names;
}

Result<Gate> parse_gate(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return fail(Errc::invalid, "require '{}': {}; write for instance 'warm_hit_rate>=95' or 'proxy.429==0'",
                text.substr(0, k_longest), why);
  };
  if (text.size() > k_longest) {
    return wrong("it is over 200 characters");
  }
  const auto at = text.find_first_of("<>=!");
  if (at == std::string_view::npos) {
    return wrong("it has no comparison");
  }
  const auto from_sign = text.substr(at);
  const auto* const sign = std::ranges::find_if(
      k_signs, [&](const NamedComparison& one) { return from_sign.starts_with(one.sign); });
  if (sign == k_signs.end()) {
    return wrong("it needs one of < <= == != >= >");
  }
  Gate gate{.text = std::string(text), .leg = {}, .figure = {}, .comparison = sign->comparison};
  auto name = trimmed(text.substr(0, at));
  if (const auto dot = name.rfind('.'); dot != std::string_view::npos) {
    gate.leg = std::string(name.substr(0, dot));
    name = name.substr(dot + 1);
  }
  gate.figure = std::string(name);
  if (figure_named(name) == nullptr) {
    return wrong(fmt::format("there is no figure '{}', only {}", name, fmt::join(gate_figures(), ", ")));
  }
  auto number = trimmed(from_sign.substr(sign->sign.size()));
  if (number.ends_with('%')) {
    number = trimmed(number.substr(0, number.size() - 1));
  }
  const auto* const end = number.data() + number.size();
  if (const auto read = std::from_chars(number.data(), end, gate.bound);
      number.empty() || read.ec != std::errc{} || read.ptr != end || !std::isfinite(gate.bound)) {
    return wrong("what it compares with is no number");
  }
  return gate;
}

std::vector<Verdict> judge(const Gate& gate, const Results& results) {
  const auto* const figure = figure_named(gate.figure);
  std::vector<Verdict> verdicts;
  for (const auto& leg : results.legs) {
    if (figure == nullptr || (!gate.leg.empty() && gate.leg != leg.name)) {
      continue;
    }
    const auto value = figure->read(figures_of(leg));
    // Skipping a way that measured nothing would let the others answer for it.
    if (value || !figure->of_the_backend || leg.asks_backend) {
      verdicts.push_back({.gate = gate.text,
                          .leg = leg.name,
                          .value = value,
                          .held = value && holds(*value, gate.comparison, gate.bound)});
    }
  }
  const auto measured = [](const Verdict& verdict) { return verdict.value.has_value(); };
  if (std::ranges::none_of(verdicts, measured)) {  // said once, not for each way
    return {{.gate = gate.text, .leg = gate.leg, .value = {}, .held = false}};
  }
  return verdicts;
}

}  // namespace agent::bench
