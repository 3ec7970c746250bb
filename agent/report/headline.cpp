#include "agent/report/headline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/core/text.hpp"
#include "agent/report/amounts.hpp"
#include "agent/report/plain.hpp"

namespace agent::report {

namespace {

constexpr std::size_t k_reasons_shown = 3;
constexpr std::size_t k_notes_shown = 10;
constexpr std::size_t k_note_limit = 400;  // characters

std::string came_from_cache(std::uint64_t hits, std::uint64_t total, std::string_view noun) {
  return fmt::format("{} of {} came from the cache.", human_count(hits), counted(total, noun));
}

std::string on_lookups(const Figures& figures) {
  const auto hits = figures.lookups_hit.value_or(0);
  const auto total = hits + figures.lookups_missed.value_or(0);
  return total == 0 ? "Nothing was looked up in the cache." : came_from_cache(hits, total, "lookup");
}

std::string on_no_cacheable_compilation(const Figures& figures) {
  const auto excluded = total_of(figures.non_cacheable);
  if (excluded > 0) {
    return fmt::format("Nothing cacheable was compiled: {} could not be cached.",
                       counted(excluded, "compilation"));
  }
  if (figures.compile_requests.value_or(0) > 0) {
    return fmt::format("Nothing cacheable was compiled; the compiler was called {}.",
                       times(*figures.compile_requests));
  }
  return "Nothing was compiled.";
}

// No server of sccache ever ran, which the launcher starts when it is called first.
bool sccache_was_asked_nothing(const Figures& figures) {
  const auto seen = figures.lookups_hit.value_or(0) + figures.lookups_missed.value_or(0) +
                    figures.stores.value_or(0) + figures.restarts.value_or(0) + total_of(figures.fallbacks);
  return !figures.sccache_mode.empty() && !figures.hits && figures.lookups_hit && seen == 0;
}

void add(std::vector<Remark>& list, Remark::Weight weight, std::string text) {
  list.push_back({.weight = weight, .text = std::move(text)});
}

void remark_on_ending(std::vector<Remark>& list, const Figures& figures, Ending ending) {
  const bool any = figures.hits || figures.lookups_hit || figures.stores;
  if (ending == Ending::died) {
    add(list, Remark::Weight::warning,
        any ? "The agent stopped before the end of the job; the figures are its last snapshot."
            : "The agent stopped before the end of the job and left no figures.");
  } else if (ending == Ending::late) {
    add(list, Remark::Weight::warning, "The agent was not done when its time to finish was over.");
  } else if (ending == Ending::not_started) {
    add(list, Remark::Weight::warning, "The agent did not start; the build ran without the cache.");
  }
}

// What became of sccache's server, and of what it counted; empty where it lived.
std::string on_the_server(const Figures& figures) {
  const auto restarts = figures.restarts.value_or(0);
  const auto ours = figures.languages.find(std::string(k_counted_by_the_agent));
  if (ours == figures.languages.end()) {
    return restarts > 0
               ? fmt::format("sccache's server was restarted {}; what it counted before may be missing.",
                             times(restarts))
               : std::string();
  }
  const auto ending =
      restarts > 0 ? "was restarted " + times(restarts) : std::string("ended before the build did");
  const auto& [hits, misses] = ours->second;
  return fmt::format(
      "sccache's server {}; of what it counted after its last snapshot {} and {} are the agent's own count, "
      "without "
      "times.",
      ending, counted(hits, "hit"), misses == 1 ? "1 miss" : human_count(misses) + " misses");
}

void remark_on_compilations(std::vector<Remark>& list, const Figures& figures) {
  if (!figures.hits && !figures.sccache_mode.empty() && figures.lookups_hit &&
      !sccache_was_asked_nothing(figures)) {
    add(list, Remark::Weight::note, "As the agent counted: " + on_lookups(figures));
  }
  if (figures.errors.value_or(0) > 0) {
    add(list, Remark::Weight::warning,
        fmt::format("sccache reported {}.", counted(*figures.errors, "cache error")));
  }
  if (!figures.fallbacks.empty() && total_of(figures.fallbacks) > 0) {
    add(list, Remark::Weight::warning,
        fmt::format("{} ran without sccache: {}.", counted(total_of(figures.fallbacks), "compilation"),
                    ranked_text(figures.fallbacks, k_reasons_shown)));
  }
  if (const auto text = on_the_server(figures); !text.empty()) {
    add(list, Remark::Weight::warning, text);
  }
}

void remark_on_publishing(std::vector<Remark>& list, const Figures& figures, Ending ending) {
  const auto refused = total_of(figures.refused);
  const auto pending = figures.pending.value_or(0);
  if (refused > 0) {
    // What the mode forbids is as it should be; any other refusal is a loss.
    const bool expected = std::ranges::all_of(figures.refused, [](const auto& entry) {
      return entry.second == 0 || entry.first == "read-only" || entry.first == "off";
    });
    add(list, expected ? Remark::Weight::note : Remark::Weight::warning,
        fmt::format("{} {} not published: {}.", counted(refused, "new object"), refused == 1 ? "was" : "were",
                    ranked_text(figures.refused, k_reasons_shown)));
  }
  if (pending > 0) {
    add(list, Remark::Weight::warning,
        fmt::format("{} {} not yet published, and will be missing in the next run.",
                    counted(pending, "new object"), pending == 1 ? "was" : "were"));
  }
  if (figures.http_429.value_or(0) > 0) {
    const bool all_published = ending == Ending::drained && refused == 0 && figures.pending == 0U;
    add(list, Remark::Weight::note,
        fmt::format("The storage asked to slow down {} (HTTP 429){}.", times(*figures.http_429),
                    all_published ? "; nothing was lost by it" : ""));
  }
  const bool all_missed = figures.hits == 0U && figures.misses.value_or(0) > 0;
  if (all_missed && figures.published.value_or(0) > 0) {
    add(list, Remark::Weight::note,
        fmt::format("This run published {} for the next one.", counted(*figures.published, "object")));
  }
}

}  // namespace

std::string headline(const Figures& figures, Ending ending) {
  if (figures.mode == "off" && !figures.hits) {
    return "The cache was off for this job.";
  }
  if (figures.hits && figures.misses) {
    const auto total = *figures.hits + *figures.misses;
    return total > 0 ? came_from_cache(*figures.hits, total, "cacheable compilation")
                     : on_no_cacheable_compilation(figures);
  }
  if (ending == Ending::not_started) {
    return "This build ran without the cache.";
  }
  if (ending == Ending::drained && sccache_was_asked_nothing(figures)) {
    return "sccache was asked for nothing.";
  }
  if (!figures.sccache_mode.empty()) {
    return "How many compilations came from the cache is not known: sccache's statistics are missing.";
  }
  if (figures.lookups_hit || figures.lookups_missed) {
    return on_lookups(figures);
  }
  return "How much came from the cache is not known.";
}

std::vector<Remark> remarks(const Figures& figures, Ending ending) {
  std::vector<Remark> list;
  remark_on_ending(list, figures, ending);
  remark_on_compilations(list, figures);
  remark_on_publishing(list, figures, ending);
  if (figures.mode == "write-only") {
    add(list, Remark::Weight::note,
        "Nothing was looked up: this job may write to the cache but not read it.");
  }
  std::ranges::stable_sort(list, std::ranges::greater{}, &Remark::weight);
  const auto shown = std::min(figures.notes.size(), k_notes_shown);
  for (std::size_t i = 0; i < shown; ++i) {
    add(list, Remark::Weight::note, plain(figures.notes[i], k_note_limit));
  }
  if (figures.notes.size() > shown) {
    add(list, Remark::Weight::note,
        fmt::format("And {} more.", counted(figures.notes.size() - shown, "note")));
  }
  return list;
}

std::optional<std::string> saved_text(const Figures& figures) {
  if (!figures.saved_seconds_estimate || !(*figures.saved_seconds_estimate > 0)) {
    return std::nullopt;
  }
  return fmt::format("about {} saved (an estimate)", seconds_text(figures.saved_seconds_estimate));
}

}  // namespace agent::report
