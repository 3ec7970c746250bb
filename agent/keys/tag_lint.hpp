// Finds in the inputs of a root tag what differs from run to run: such a tag never meets itself again, so
// every build is cold. Pure functions; safe from any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace agent::keys {

// What GitHub calls this run; empty where it is not known, and then not looked for.
struct RunFacts {
  std::string id;       // GITHUB_RUN_ID
  std::string attempt;  // GITHUB_RUN_ATTEMPT
  std::string sha;      // GITHUB_SHA
};

// One warning, in plain words, per kind of thing found in `value`, which `part` names.
//  - the run id as a whole number of five digits or more, or behind "run": "run-7", "run_id.7";
//  - the attempt behind a word: "attempt-2", "run-2", "try2"; never alone, since "1" is in 1.95.0 too;
//  - the commit: seven hex digits or more of its start;
//  - a time: 2026-11-21T14:52, 20261121145227, seconds or milliseconds since 1970; a date counts too,
//    unless a channel stands before it (nightly-2026-10-01).
std::vector<std::string> lint_part(std::string_view part, std::string_view value, const RunFacts& run);

}  // namespace agent::keys
