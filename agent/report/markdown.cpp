#include "agent/report/markdown.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/core/text.hpp"
#include "agent/report/amounts.hpp"
#include "agent/report/plain.hpp"
#include "agent/report/trend.hpp"

namespace agent::report {

namespace {

// With these no summary comes near its limit, which `append_section` holds all the same.
constexpr std::size_t k_verdicts_shown = 2;
constexpr std::size_t k_languages_shown = 10;
constexpr std::size_t k_reasons_shown = 15;
constexpr std::size_t k_name_limit = 60;
constexpr std::size_t k_value_limit = 220;   // a tag has at most 200
constexpr std::size_t k_remark_limit = 600;  // characters

using Rows = std::vector<std::pair<std::string, std::string>>;

// Ten blocks; all of them only for 100 %, none only for 0 %.
std::string bar(std::uint64_t hits, std::uint64_t misses) {
  constexpr std::uint64_t k_blocks = 10;
  const auto share = static_cast<double>(hits) / (static_cast<double>(hits) + static_cast<double>(misses));
  auto full = static_cast<std::uint64_t>(share * static_cast<double>(k_blocks));
  full = std::clamp<std::uint64_t>(full, hits > 0 ? 1 : 0, misses > 0 ? k_blocks - 1 : k_blocks);
  std::string blocks;
  for (std::uint64_t i = 0; i < k_blocks; ++i) {
    blocks += i < full ? "█" : "░";
  }
  return blocks;
}

// Empty where no row knows anything.
std::string two_columns(std::string_view left, std::string_view right, const Rows& rows) {
  if (std::ranges::all_of(rows, [](const auto& row) { return row.second == k_not_measured; })) {
    return {};
  }
  auto table = fmt::format("| {} | {} |\n|:--|--:|\n", left, right);
  for (const auto& [name, value] : rows) {
    table += fmt::format("| {} | {} |\n", name, value);
  }
  return table;
}

std::string folded(std::string_view title, std::string_view content) {
  if (content.empty()) {
    return {};
  }
  return fmt::format("<details><summary>{}</summary>\n\n{}\n</details>\n", title, content);
}

std::string language_row(std::string_view name, const Language& language) {
  const auto rate = rate_text(language.hits, language.misses);
  const auto cell =
      rate ? fmt::format("`{}` {}", bar(language.hits, language.misses), *rate) : std::string("–");
  return fmt::format("| {} | {} | {} | {} |\n", name, cell, human_count(language.hits),
                     human_count(language.misses));
}

std::string language_table(const Figures& figures) {
  std::vector<std::pair<std::string_view, Language>> languages(figures.languages.begin(),
                                                               figures.languages.end());
  std::erase_if(languages, [](const auto& entry) { return entry.second.hits + entry.second.misses == 0; });
  if (languages.empty()) {
    return {};
  }
  std::ranges::sort(languages, [](const auto& a, const auto& b) {
    const auto a_total = a.second.hits + a.second.misses;
    const auto b_total = b.second.hits + b.second.misses;
    return a_total != b_total ? a_total > b_total : a.first < b.first;
  });
  std::string table = "| Language | Hit rate | Hits | Misses |\n|:--|:--|--:|--:|\n";
  Language others;
  for (std::size_t i = 0; i < languages.size(); ++i) {
    const auto& [name, language] = languages[i];
    if (i < k_languages_shown) {
      table += language_row(name.empty() ? "(no name)" : markdown_text(name, k_name_limit), language);
    } else {
      others.hits += language.hits;
      others.misses += language.misses;
    }
  }
  return table + (languages.size() > k_languages_shown ? language_row("others", others) : "");
}

std::string not_cacheable_text(const Figures& figures) {
  return figures.hits || !figures.non_cacheable.empty() ? human_count(total_of(figures.non_cacheable))
                                                        : std::string(k_not_measured);
}

std::string refused_text(const Figures& figures) {
  return figures.stores || !figures.refused.empty() ? human_count(total_of(figures.refused))
                                                    : std::string(k_not_measured);
}

Rows main_rows(const Figures& figures) {
  const auto hits = figures.hits ? figures.hits : figures.lookups_hit;
  const auto misses = figures.misses ? figures.misses : figures.lookups_missed;
  const auto rate = hits && misses ? rate_text(*hits, *misses) : std::nullopt;
  Rows rows;
  if (rate) {
    rows.emplace_back("Hit rate", *rate);
  }
  rows.insert(rows.end(), {{"Hits", count_text(hits)},
                           {"Misses", count_text(misses)},
                           {"Cache errors", count_text(figures.errors)},
                           {"Not cacheable", not_cacheable_text(figures)},
                           {"A hit took, on average", milliseconds_text(figures.latency.mean)},
                           {"Stored", count_text(figures.stores)},
                           {"Published", count_text(figures.published)}});
  if (const auto saved = saved_text(figures)) {
    rows.emplace_back("Time saved (estimate)", "about " + seconds_text(figures.saved_seconds_estimate));
  }
  return rows;
}

// What sccache's reasons mean, for those people meet. Source: mozilla/sccache 0.16, src/compiler.
std::string reason_text(std::string_view reason) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> k_meanings = {{
      {"crate-type", "programs, proc macros, dynamic libraries"},
      {"incremental", "incremental compilation"},
      {"-", "source from standard input"},
      {"-E", "preprocessing only"},
      {"-M", "dependencies only"},
      {"multiple input files", "several sources in one call"},
  }};
  auto text = markdown_code(reason, k_name_limit);
  const auto* const known =
      std::ranges::find(k_meanings, reason, &std::pair<std::string_view, std::string_view>::first);
  return known == k_meanings.end() ? text : fmt::format("{} ({})", text, known->second);
}

template <typename Name>
std::string reason_table(std::string_view noun, const Counts& counts, Name name) {
  const auto entries = ranked(counts);
  Rows rows;
  std::uint64_t rest = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i < k_reasons_shown) {
      rows.emplace_back(name(entries[i].first), human_count(entries[i].second));
    } else {
      rest += entries[i].second;
    }
  }
  if (entries.size() > k_reasons_shown) {
    rows.emplace_back(fmt::format("{} more reasons", human_count(entries.size() - k_reasons_shown)),
                      human_count(rest));
  }
  return two_columns("Reason", noun, rows);
}

// In a run that found nothing every compilation missed: a list of them says nothing.
std::string miss_table(const Figures& figures) {
  constexpr std::size_t k_misses_shown = 10;
  const auto hits = figures.hits ? figures.hits : figures.lookups_hit;
  const auto misses = figures.misses ? figures.misses : figures.lookups_missed;
  const bool only_absent =
      std::ranges::all_of(figures.top_misses, [](const Miss& miss) { return miss.reason == "absent"; });
  if (figures.top_misses.empty() || (only_absent && hits.value_or(0) == 0)) {
    return {};
  }
  Rows rows;
  for (const auto& miss : figures.top_misses) {
    if (rows.size() < k_misses_shown) {
      rows.emplace_back(markdown_code(miss.name.empty() ? miss.key : miss.name, k_name_limit),
                        markdown_text(miss.reason, k_name_limit));
    }
  }
  auto table = two_columns("Crate, object or key", "Why", rows);
  if (misses.value_or(0) > rows.size()) {
    table += fmt::format("\n{} in all.\n", human_count(*misses) + " misses");
  }
  return table;
}

Rows speed_rows(const Figures& figures) {
  return {{"Mean", milliseconds_text(figures.latency.mean)},
          {"Half within (p50)", milliseconds_text(figures.latency.p50)},
          {"95 % within (p95)", milliseconds_text(figures.latency.p95)},
          {"99 % within (p99)", milliseconds_text(figures.latency.p99)},
          {"Read from the cache", size_text(figures.bytes_read)},
          {"Written to the cache", size_text(figures.bytes_written)},
          {"Preload", seconds_text(figures.preload_seconds)}};
}

Rows storage_rows(const Figures& figures) {
  const auto text = [](std::string_view value) {
    return value.empty() ? std::string(k_not_measured) : markdown_code(value, k_value_limit);
  };
  Rows rows = {{"Tag", text(figures.tag)},
               {"Scope", text(figures.scope)},
               {"Generation", count_text(figures.generation)},
               {"Backend", text(figures.backend)},
               {"Mode", text(figures.mode)}};
  if (!figures.sccache_mode.empty()) {
    rows.emplace_back("sccache mode", text(figures.sccache_mode));
  }
  rows.insert(rows.end(), {{"Objects in the tag", count_text(figures.tag_objects)},
                           {"Size of the tag", size_text(figures.tag_bytes)},
                           {"Stored", count_text(figures.stores)},
                           {"Published", count_text(figures.published)},
                           {"Pending", count_text(figures.pending)},
                           {"Refused", refused_text(figures)},
                           {"Backend calls", count_text(figures.backend_calls)},
                           {"Told to slow down (429)", count_text(figures.http_429)},
                           {"Conflicts, merged", count_text(figures.conflicts)},
                           {"Retries", count_text(figures.retries)}});
  if (figures.breaker_openings.value_or(0) > 0) {
    rows.emplace_back("Suspended after failures", count_text(figures.breaker_openings));
  }
  if (figures.compacted_packs.value_or(0) > 0) {
    rows.emplace_back("Packs compacted", count_text(figures.compacted_packs));
  }
  return rows;
}

// Keeps a summary under its limit by leaving out what comes last, and says so.
void append_section(std::string& summary, std::string_view section) {
  constexpr std::string_view k_left_out = "\n_Some details are left out: they were too long._\n";
  if (section.empty() || summary.ends_with(k_left_out)) {
    return;
  }
  const bool fits = summary.size() + section.size() + k_left_out.size() + 1 < k_summary_limit_bytes;
  summary += fits ? fmt::format("\n{}", section) : std::string(k_left_out);
}

std::string remark_list(const Figures& figures, Ending ending) {
  std::string list;
  for (const auto& remark : remarks(figures, ending)) {
    list += fmt::format("- {} {}\n", remark.weight == Remark::Weight::warning ? "⚠️" : "ℹ️",
                        markdown_text(remark.text, k_remark_limit));
  }
  return list;
}

}  // namespace

std::string markdown(const Figures& figures, Ending ending) {
  const auto saved = saved_text(figures);
  auto summary =
      fmt::format("### Hearth\n\n**{}**{}\n", markdown_text(headline(figures, ending), k_remark_limit),
                  saved ? fmt::format(" {}.", "A" + saved->substr(1)) : "");
  append_section(summary, remark_list(figures, ending));
  if (!figures.verdicts.empty()) {
    append_section(summary,
                   "#### Why hits are low\n\n" + verdict_markdown(figures.verdicts, k_verdicts_shown));
  }
  append_section(summary, trend_markdown(figures));
  append_section(summary, language_table(figures));
  append_section(summary,
                 two_columns(figures.hits || !figures.lookups_hit ? "All compilations" : "All lookups", "",
                             main_rows(figures)));
  if (!figures.non_cacheable.empty()) {
    append_section(summary, folded("Why compilations were not cacheable",
                                   reason_table("Compilations", figures.non_cacheable, reason_text)));
  }
  const auto code = [](std::string_view reason) { return markdown_code(reason, k_name_limit); };
  if (!figures.miss_reasons.empty()) {
    append_section(summary,
                   folded("Why lookups missed", reason_table("Lookups", figures.miss_reasons, code)));
  }
  append_section(summary, folded("What missed", miss_table(figures)));
  if (!figures.refused.empty()) {
    append_section(summary,
                   folded("Why objects were not published", reason_table("Objects", figures.refused, code)));
  }
  append_section(summary, folded("Speed and traffic", two_columns("A hit took", "", speed_rows(figures))));
  append_section(summary, folded("Tag and storage", two_columns("Storage", "", storage_rows(figures))));
  return summary;
}

}  // namespace agent::report
