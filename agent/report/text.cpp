#include "agent/report/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "agent/core/text.hpp"
#include "agent/report/amounts.hpp"
#include "agent/report/plain.hpp"
#include "agent/report/trend.hpp"

namespace agent::report {

namespace {

constexpr std::size_t k_shown = 10;
constexpr std::size_t k_verdicts_shown = 2;
constexpr std::size_t k_name_limit = 60;
constexpr std::size_t k_value_limit = 220;
constexpr std::size_t k_remark_limit = 600;

// A language's name begins its line, and the Actions runner takes a line that begins with `::` for a command.
std::string line_start(std::string_view name) {
  const auto shown = plain(name, k_name_limit);
  const auto first = shown.find_first_not_of(' ');
  if (first == std::string::npos) {
    return "(no name)";
  }
  return shown[first] == ':' ? "'" + shown + "'" : shown;
}

void add(std::string& out, std::string_view name, std::string_view value) {
  out += fmt::format("  {:<14} {}\n", name, value);
}

void add_languages(std::string& out, const Figures& figures) {
  std::size_t shown = 0;
  for (const auto& [name, language] : figures.languages) {
    const auto rate = rate_text(language.hits, language.misses);
    if (!rate) {
      continue;
    }
    if (++shown > k_shown) {
      add(out, "…", fmt::format("{} languages in all", figures.languages.size()));
      return;
    }
    add(out, line_start(name),
        fmt::format("{} of {} ({})", human_count(language.hits), human_count(language.hits + language.misses),
                    *rate));
  }
}

void add_latency(std::string& out, const Latency& latency) {
  if (latency.mean) {
    add(out, "a hit took",
        fmt::format("{} on average; p50 {}, p95 {}, p99 {}", milliseconds_text(latency.mean),
                    milliseconds_text(latency.p50), milliseconds_text(latency.p95),
                    milliseconds_text(latency.p99)));
  }
}

void add_storage(std::string& out, const Figures& figures) {
  if (figures.bytes_read || figures.bytes_written) {
    add(out, "traffic",
        fmt::format("{} read, {} written", size_text(figures.bytes_read), size_text(figures.bytes_written)));
  }
  if (figures.stores) {
    add(out, "published", published_text(figures.published, figures.stores));
  }
  if (!figures.backend.empty()) {
    add(out, "storage",
        fmt::format("{}; calls {}, 429 {}, conflicts {}, retries {}", plain(figures.backend, k_value_limit),
                    count_text(figures.backend_calls), count_text(figures.http_429),
                    count_text(figures.conflicts), count_text(figures.retries)));
  }
  if (figures.breaker_openings.value_or(0) > 0) {
    add(out, "suspended",
        fmt::format("calls to the storage, {} times, after failures in a row", *figures.breaker_openings));
  }
  if (figures.compacted_packs.value_or(0) > 0) {
    add(out, "compacted", fmt::format("{} packs into fewer", human_count(*figures.compacted_packs)));
  }
  if (!figures.tag.empty()) {
    const auto generation = figures.generation ? fmt::format(", generation {}", *figures.generation) : "";
    add(out, "tag",
        fmt::format("{}{} ({}, {})", plain(figures.tag, k_value_limit), generation,
                    plain(figures.scope, k_value_limit), plain(figures.mode, k_name_limit)));
  }
}

}  // namespace

std::string text(const Figures& figures, Ending ending) {
  auto out = fmt::format("hearth: {}\n", plain(headline(figures, ending), k_remark_limit));
  add_languages(out, figures);
  if (!figures.non_cacheable.empty()) {
    add(out, "not cacheable",
        fmt::format("{} ({})", human_count(total_of(figures.non_cacheable)),
                    ranked_text(figures.non_cacheable, 3)));
  }
  add_latency(out, figures.latency);
  if (const auto saved = saved_text(figures)) {
    add(out, "time", *saved);
  }
  for (const auto& line : trend(figures)) {
    add(out, line.name, fmt::format("{} {}; {}", line.sparkline, line.last, line.first));
  }
  add_storage(out, figures);
  if (figures.preload_seconds) {
    add(out, "preload", seconds_text(figures.preload_seconds));
  }
  for (const auto& remark : remarks(figures, ending)) {
    add(out,
        remark.weight == Remark::Weight::warning ? "warning:" : "note:", plain(remark.text, k_remark_limit));
  }
  if (!figures.verdicts.empty()) {
    out += "  why hits are low:\n" + verdict_text(figures.verdicts, k_verdicts_shown);
  }
  // The runner's older commands, `##[…]`, count wherever they stand in a line.
  for (auto at = out.find("##["); at != std::string::npos; at = out.find("##[", at)) {
    out.insert(at + 2, " ");
  }
  return out;
}

}  // namespace agent::report
