// Everything that is known when the doctor is asked: of a recorded run, of a running agent, or, on a machine
// where Hearth never ran, of sccache itself, the environment and the project's files. Values; the rules read
// nothing else, so each can be tested by a chart made by hand.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/app/run_record.hpp"
#include "agent/doctor/project.hpp"
#include "agent/doctor/settings.hpp"
#include "agent/report/figures.hpp"
#include "agent/sccache/server_log.hpp"
#include "agent/sccache/statistics.hpp"

namespace agent::doctor {

// Where the facts come from.
enum class Source : std::uint8_t {
  run,    // a record of ours
  agent,  // a running agent, or its last figures
  live,   // sccache, environment and files of this machine; no run of ours
};

// Of sccache outside of a run of ours.
struct LiveServer {
  bool asked = false;                // sccache is there and was asked
  bool running = false;              // its server listens where this environment says
  bool default_port = false;         // somebody listens on sccache's default port, 4226
  std::vector<std::string> missing;  // "RUSTC_WRAPPER=sccache", and there is no such program
  std::string address;               // where this environment says: a socket's path or "127.0.0.1:4226"
};

// True for sccache's reasons that are cargo's questions to the compiler (`rustc -vV`, `rustc -`), not
// compilations of the project.
bool is_question(std::string_view reason);

struct Chart {
  Source source = Source::live;
  Span ran;                                       // of a run of ours
  std::vector<std::string> unseen;                // what could not be looked at, and why
  report::Figures figures;                        // of ours; empty otherwise
  std::optional<sccache::Statistics> statistics;  // as sccache counted
  app::Surroundings surroundings;
  cache::Requests requests;
  std::vector<sccache::LogLine> log;
  sccache::KeyInputs keys;                 // of a run with --explain
  std::optional<app::RunRecord> previous;  // the run before, of this tag or in this folder
  LiveServer server;
  Project project;
  double min_hit_rate = 80;  // percent; below it hits are low

  std::uint64_t hits() const;
  std::uint64_t misses() const;
  std::uint64_t misses_of(std::string_view language) const;
  std::uint64_t requests_seen() const;  // compilations sccache was asked for, cacheable or not
  std::uint64_t not_cacheable() const;
  bool counted() const;       // there are figures of compilations at all
  bool low() const;           // something was looked up, and too little of it was hit
  double miss_share() const;  // 0 to 1
  const std::map<std::string, std::uint64_t>& reasons() const;  // why compilations were not cacheable
  bool ours() const { return source != Source::live; }

  // Of the environment that the build saw; empty where it is unset.
  std::string variable(std::string_view name) const;
  // "NAME=value", for evidence.
  std::string shown(std::string_view name) const;

  // The first log line of that topic; null where there is none.
  const sccache::LogLine* said(sccache::LogTopic topic) const;
  const sccache::LogLine* said(sccache::LogTopic topic, int status) const;
};

// How the keys of this run and the last lie together.
struct Overlap {
  std::uint64_t asked = 0;  // keys of this run
  std::uint64_t again = 0;  // of those, asked for in the last run too
  std::uint64_t lost = 0;   // missed now, and stored or hit in the last run
  double share() const { return asked == 0 ? 0 : static_cast<double>(again) / static_cast<double>(asked); }
};

// Empty where either run did not write down what it asked for.
std::optional<Overlap> overlap(const Chart& chart);

}  // namespace agent::doctor
