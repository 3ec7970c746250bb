// Pointers in GitHub's cache service: creating generation n+1 is the swap (docs/formats.md, "In GitHub's
// cache service"). Thread-safe; blocks on the service, and up to `patience` where somebody else has reserved
// the next generation and nobody sees it.
//
// Why an acknowledged swap stays: to make generation m from n < m, a writer has seen n, or has seen n
// reserved but invisible for `patience`, and then says so in the header of m. Whoever finalises within less
// than that after asking for the reservation can not have been skipped. Whoever took longer asks for the next
// generations himself until one of them is made in time, or until he sees one that skips his: a conflict.
// Whoever knows before he finalises that he is too late gives his number up: on a service whose newest entry
// is the one finalised last, a late generation would stand in front of the head for readers that know
// neither. Clocks need not agree, they need only run at about the same speed.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/backends/github_generation.hpp"
#include "agent/backends/github_service.hpp"
#include "agent/backends/object_storage.hpp"
#include "agent/core/clock.hpp"
#include "agent/core/guarded.hpp"

namespace agent::backends {

// How long what a swap has learnt spares the read that follows it.
constexpr std::chrono::seconds k_fresh_lineage{2};

struct LineageOptions {
  std::chrono::milliseconds patience{15'000};
  std::function<void(std::chrono::milliseconds)> pause;  // lets time pass on the clock
};

class Lineages final {
public:
  Lineages(ActionsCache& cache, const Clock& clock, LineageOptions options)
      : cache_(cache), clock_(clock), options_(std::move(options)) {}

  // The newest generation's content. Errors: those of the service; corrupt, unsupported.
  Result<std::optional<Versioned>> read(std::string_view name);

  // As ObjectStorage::compare_and_swap. Where an answer is lost the error is transient and the next call
  // goes on with the reservation that this one made.
  Result<std::string> swap(std::string_view name, const std::optional<std::string>& expected,
                           std::string_view content);

  // Its generations were removed.
  void forget(std::string_view name);

  // This generation is there: whoever lists the entries knows more than a look-up that goes by time.
  void note(std::string_view name, std::uint64_t number) { see(name, number); }

private:
  struct Held {
    Reservation reservation;
    Steady since{};  // when it was asked for
  };
  // What this process has seen of a line: an evicted generation's number is not used again.
  struct Seen {
    std::uint64_t highest = 0;
    std::uint64_t visible = 0;        // the highest that was there when it was last looked for
    std::optional<FoundEntry> fresh;  // found by a swap that lost: what the read that follows wants
    std::optional<Versioned> made;    // what a swap just made: the read that follows need not ask
    Steady fresh_until{};             // of both
    Steady looked{};
  };
  struct Attempt;
  enum class Verdict : std::uint8_t { secured, skipped, unsure };

  Seen seen(std::string_view name) const;
  void see(std::string_view name, std::uint64_t number);
  template <typename T>
  std::optional<T> take(std::string_view name, std::optional<T> Seen::* kept);
  void lost_to(std::string_view name, std::uint64_t number, FoundEntry entry);

  Result<std::optional<FoundEntry>> newest(std::string_view name);
  Result<std::optional<FoundEntry>> exactly(const std::string& key);
  Result<std::optional<Generation>> fetch(const FoundEntry& entry);
  Result<void> gather_skipped(std::string_view name, const Generation& head, Versioned& into,
                              GenerationToken& token);

  Result<GenerationToken> start_of(std::string_view name, const std::optional<std::string>& expected);
  std::optional<Held> take_held(const std::string& key);
  Result<std::optional<Held>> hold(const std::string& key);
  Result<std::optional<FoundEntry>> await(const std::string& key);
  Result<bool> give_way(Attempt& attempt);
  Result<bool> write(const Attempt& attempt, const Held& held);
  Result<Verdict> verify(const Attempt& attempt, Steady since);
  Result<std::optional<Generation>> advance(Attempt& attempt);
  Result<std::optional<Generation>> check(Attempt& attempt, Steady since);
  Result<Generation> drive(Attempt& attempt);
  Result<void> settle(std::string_view name, const Generation& head, const Held& held);

  ActionsCache& cache_;
  const Clock& clock_;
  LineageOptions options_;
  Guarded<std::map<std::string, Seen, std::less<>>> seen_;
  Guarded<std::map<std::string, Held, std::less<>>> held_;  // by key: of swaps that failed half-way
};

}  // namespace agent::backends
