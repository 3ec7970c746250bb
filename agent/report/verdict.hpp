// What `hearth doctor` found: one cause of a low hit rate, its proof and its remedy. A value; made by
// agent/doctor, shown by the summary, the terminal and `hearth doctor --json`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/io/json.hpp"

namespace agent::report {

enum class Certainty : std::uint8_t { certain, likely, possible };

// "certain", "likely", "possible".
std::string_view name_of(Certainty certainty);

struct Verdict {
  std::string rule;  // its name in docs/doctor.md
  Certainty certainty = Certainty::possible;
  double cost = 0;  // 0 to 1: how much of what could have been a hit it takes; for ordering, never shown
  std::string title;
  std::vector<std::string> evidence;  // what was seen: a line, a variable, two values that differ
  std::string fix;                    // text to paste; empty where there is nothing to mend
};

// {rule, certainty, title, evidence, fix}; `cost` stays behind.
io::Json to_json(const Verdict& verdict);

// The inverse, of one element. Errors: invalid.
Result<Verdict> verdict_from(const io::Json& json);

// Most certain first, then most costly; what is equal keeps its order.
void rank(std::vector<Verdict>& verdicts);

// For a terminal: title, evidence and fix, indented; at most `limit` of them in full, a count of the others.
std::string verdict_text(const std::vector<Verdict>& verdicts, std::size_t limit);

// For the job summary: the same in Markdown, everything from outside escaped.
std::string verdict_markdown(const std::vector<Verdict>& verdicts, std::size_t limit);

}  // namespace agent::report
