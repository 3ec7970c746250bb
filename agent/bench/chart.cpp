// The chart of a benchmark as SVG.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "agent/bench/show.hpp"
#include "agent/report/plain.hpp"

namespace agent::bench {

namespace {

constexpr double k_width = 720;
constexpr double k_left = 150;
constexpr double k_right = 90;
constexpr double k_top = 44;
constexpr double k_bar = 20;
constexpr double k_gap = 22;
constexpr std::size_t k_name_limit = 24;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

struct Bar {
  std::string_view kind;  // the style's class
  std::optional<double> seconds;
};

std::array<Bar, 2> bars_of(const Leg& leg) {
  const auto figures = figures_of(leg);
  return {{{"cold", figures.cold_seconds}, {"warm", figures.warm_seconds}}};
}

}  // namespace

std::string svg(const Results& results) {
  double longest = 0;
  for (const auto& leg : results.legs) {
    for (const auto& bar : bars_of(leg)) {
      longest = std::max(longest, bar.seconds.value_or(0));
    }
  }
  const double scale = longest > 0 ? (k_width - k_left - k_right) / longest : 0;
  const double height = k_top + (static_cast<double>(results.legs.size()) * ((2 * k_bar) + k_gap)) + k_gap;
  auto out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
      "role=\"img\">\n"
      "<title>{2}: build times, cold and warm</title>\n"
      "<style>text{{font:13px system-ui,sans-serif;fill:#1f2328}}.cold{{fill:#8c959f}}.warm{{fill:#d4622a}}"
      "@media(prefers-color-scheme:dark){{text{{fill:#e6edf3}}.cold{{fill:#6e7681}}.warm{{fill:#f0883e}}}}</"
      "style>\n"
      "<text x=\"8\" y=\"22\" font-weight=\"600\">{2}: seconds, median of {3}</text>\n"
      "<rect class=\"cold\" x=\"{4}\" y=\"12\" width=\"12\" height=\"12\"/><text x=\"{5}\" "
      "y=\"22\">cold</text>\n"
      "<rect class=\"warm\" x=\"{6}\" y=\"12\" width=\"12\" height=\"12\"/><text x=\"{7}\" "
      "y=\"22\">warm</text>\n",
      k_width, height, escaped(report::plain(results.project, k_name_limit)),
      results.legs.front().rounds.size(), k_width - 140, k_width - 122, k_width - 70, k_width - 52);
  double y = k_top;
  for (const auto& leg : results.legs) {
    out += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n", k_left - 10, y + k_bar + 5,
                       escaped(report::plain(leg.name, k_name_limit)));
    for (const auto& bar : bars_of(leg)) {
      if (bar.seconds) {
        const auto width = std::max(*bar.seconds * scale, 1.0);
        out += fmt::format(
            "<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\"/><text x=\"{:.1f}\" "
            "y=\"{}\">"
            "{:.2f} s</text>\n",
            bar.kind, k_left, y, width, k_bar - 2, k_left + width + 6, y + k_bar - 6, *bar.seconds);
      }
      y += k_bar;
    }
    y += k_gap;
  }
  return out + "</svg>\n";
}

}  // namespace agent::bench
