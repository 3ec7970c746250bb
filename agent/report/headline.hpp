// What a run came to, in plain words: one sentence, then what else people should know. Shared by the job
// summary, the terminal and the annotations. The texts may quote outside names: whoever shows them escapes
// them. Pure functions; safe from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/report/figures.hpp"

namespace agent::report {

// The row among the languages for what a server of sccache took along when it died.
inline constexpr std::string_view k_counted_by_the_agent = "(sccache died: counted by the agent)";

// How the agent's run ended, as far as the one who writes the summary could see.
enum class Ending : std::uint8_t {
  drained,      // everything asked of it is done; the figures are final
  late,         // the drain's deadline passed first
  died,         // it stopped answering; the figures are its last snapshot, or empty
  not_started,  // there was no agent: the build ran without the cache
};

// "412 of 412 cacheable compilations came from the cache." Says 0 only of what was counted.
std::string headline(const Figures& figures, Ending ending = Ending::drained);

struct Remark {
  enum class Weight : std::uint8_t { note, warning } weight = Weight::note;
  std::string text;  // one sentence or two
};

// Warnings first; the figures' own notes last, at most ten of them. Bounded in number and length.
std::vector<Remark> remarks(const Figures& figures, Ending ending = Ending::drained);

// "about 3 min 4 s saved (an estimate)"; empty where there is no estimate or nothing was saved.
std::optional<std::string> saved_text(const Figures& figures);

}  // namespace agent::report
