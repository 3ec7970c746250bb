#include "agent/report/notices.hpp"

#include <fmt/format.h>

#include <string_view>

#include "agent/report/amounts.hpp"
#include "agent/report/plain.hpp"
#include "agent/report/workflow_command.hpp"

namespace agent::report {

namespace {

constexpr std::string_view k_title = "Hearth";
constexpr std::size_t k_warnings_shown = 5;
constexpr std::size_t k_message_limit = 1000;  // characters; the runner cuts at 4096

std::string figures_line(const Figures& figures, Ending ending) {
  auto line = headline(figures, ending);
  if (figures.hits || figures.misses) {
    line += fmt::format(" Hits {}, misses {}, errors {}.", count_text(figures.hits),
                        count_text(figures.misses), count_text(figures.errors));
  }
  if (figures.latency.mean) {
    line += fmt::format(" A hit took {} on average, p95 {}.", milliseconds_text(figures.latency.mean),
                        milliseconds_text(figures.latency.p95));
  }
  if (figures.stores) {
    line += fmt::format(" Published {}; 429s {}, conflicts {}.",
                        published_text(figures.published, figures.stores), count_text(figures.http_429),
                        count_text(figures.conflicts));
  }
  if (const auto saved = saved_text(figures)) {
    line += fmt::format(" {}.", "A" + saved->substr(1));
  }
  if (!figures.tag.empty()) {
    line += fmt::format(" Tag {}.", figures.tag);
  }
  return plain(line, k_message_limit);
}

}  // namespace

std::vector<std::string> notices(const Figures& figures, Ending ending) {
  std::vector<std::string> lines = {annotation(Severity::notice, k_title, figures_line(figures, ending))};
  if (!figures.verdicts.empty()) {
    const auto& first = figures.verdicts.front();
    lines.push_back(
        annotation(Severity::notice, k_title,
                   plain(fmt::format("Why hits are low: {} ({}). The summary has proof and remedy.",
                                     first.title, name_of(first.certainty)),
                         k_message_limit)));
  }
  for (const auto& remark : remarks(figures, ending)) {
    if (remark.weight == Remark::Weight::warning && lines.size() <= k_warnings_shown) {
      lines.push_back(annotation(Severity::warning, k_title, plain(remark.text, k_message_limit)));
    }
  }
  return lines;
}

}  // namespace agent::report
