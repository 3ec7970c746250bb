#include "agent/report/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "agent/core/text.hpp"
#include "agent/report/amounts.hpp"
#include "agent/report/plain.hpp"

namespace agent::report {

namespace {

constexpr std::size_t k_title_limit = 300;
constexpr std::size_t k_evidence_limit = 300;
constexpr std::size_t k_evidence_shown = 6;
constexpr std::size_t k_fix_lines = 20;

constexpr std::array<std::pair<Certainty, std::string_view>, 3> k_names = {
    {{Certainty::certain, "certain"}, {Certainty::likely, "likely"}, {Certainty::possible, "possible"}}};

// The fix, line by line, each fit to be shown.
template <typename Show>
void each_fix_line(const std::string& fix, Show show) {
  std::size_t shown = 0;
  for (const auto line : split(fix, '\n')) {
    if (++shown > k_fix_lines) {
      return;
    }
    show(plain(line, k_evidence_limit));
  }
}

template <typename Show>
void each_evidence(const Verdict& verdict, Show show) {
  const auto count = std::min(verdict.evidence.size(), k_evidence_shown);
  for (std::size_t i = 0; i < count; ++i) {
    show(verdict.evidence[i]);
  }
  if (verdict.evidence.size() > count) {
    show(fmt::format("and {} more", human_count(verdict.evidence.size() - count)));
  }
}

std::string more_text(const std::vector<Verdict>& verdicts, std::size_t shown) {
  return verdicts.size() > shown ? fmt::format("{} in all; `hearth doctor` shows the others.",
                                               counted(verdicts.size(), "finding"))
                                 : std::string{};
}

}  // namespace

std::string_view name_of(Certainty certainty) {
  const auto* const found = std::ranges::find(k_names, certainty, &decltype(k_names)::value_type::first);
  return found->second;
}

io::Json to_json(const Verdict& verdict) {
  return io::JsonObject{{"rule", verdict.rule},
                        {"certainty", name_of(verdict.certainty)},
                        {"title", verdict.title},
                        {"evidence", io::JsonArray(verdict.evidence.begin(), verdict.evidence.end())},
                        {"fix", verdict.fix}};
}

Result<Verdict> verdict_from(const io::Json& json) {
  Verdict verdict;
  verdict.rule = json.text("rule");
  verdict.title = json.text("title");
  verdict.fix = json.text("fix");
  const auto certainty = json.text("certainty");
  const auto* const known = std::ranges::find(k_names, certainty, &decltype(k_names)::value_type::second);
  if (verdict.rule.empty() || verdict.title.empty() || known == k_names.end()) {
    return fail(Errc::invalid, "verdict: rule, title or certainty is missing");
  }
  verdict.certainty = known->first;
  if (const auto* lines = json["evidence"].array()) {
    for (const auto& line : *lines) {
      if (const auto* text = line.string()) {
        verdict.evidence.push_back(*text);
      }
    }
  }
  return verdict;
}

void rank(std::vector<Verdict>& verdicts) {
  std::ranges::stable_sort(verdicts, [](const Verdict& a, const Verdict& b) {
    return a.certainty != b.certainty ? a.certainty < b.certainty : a.cost > b.cost;
  });
}

std::string verdict_text(const std::vector<Verdict>& verdicts, std::size_t limit) {
  std::string out;
  const auto shown = std::min(limit, verdicts.size());
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& verdict = verdicts[i];
    out += fmt::format("  {} ({}, {})\n", plain(verdict.title, k_title_limit), name_of(verdict.certainty),
                       verdict.rule);
    each_evidence(verdict, [&](const std::string& line) {
      out += fmt::format("      seen: {}\n", plain(line, k_evidence_limit));
    });
    if (!verdict.fix.empty()) {
      bool first = true;
      each_fix_line(verdict.fix, [&](const std::string& line) {
        out += fmt::format("      {} {}\n", std::exchange(first, false) ? "fix: " : "     ", line);
      });
    }
  }
  if (const auto more = more_text(verdicts, shown); !more.empty()) {
    out += fmt::format("  {}\n", more);
  }
  return out;
}

std::string verdict_markdown(const std::vector<Verdict>& verdicts, std::size_t limit) {
  std::string out;
  const auto shown = std::min(limit, verdicts.size());
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& verdict = verdicts[i];
    out += fmt::format("**{}** ({}, `{}`)\n\n", markdown_text(verdict.title, k_title_limit),
                       name_of(verdict.certainty), plain(verdict.rule, 40));
    each_evidence(verdict, [&](const std::string& line) {
      out += fmt::format("- {}\n", markdown_code(line, k_evidence_limit));
    });
    if (!verdict.fix.empty()) {
      out += "\n```text\n";
      each_fix_line(verdict.fix, [&](std::string line) {
        std::ranges::replace(line, '`', '\'');  // nothing may end the block
        out += line + "\n";
      });
      out += "```\n";
    }
    out += "\n";
  }
  if (const auto more = more_text(verdicts, shown); !more.empty()) {
    out += more + "\n";
  }
  return out;
}

}  // namespace agent::report
