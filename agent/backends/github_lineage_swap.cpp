// The writing side of lineages.
#include <algorithm>
#include <utility>

#include "agent/backends/github_lineage.hpp"
#include "agent/core/log.hpp"
#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"

namespace agent::backends {

namespace {

using std::chrono::milliseconds;

constexpr unsigned k_most_rounds = 12;

// From reading a generation to replacing it. Numbers come free again when entries are evicted, long after.
constexpr std::chrono::minutes k_longest_swap{30};

std::string token_of(std::string_view name, const Generation& head, std::uint64_t highest) {
  return encode_token({.line = line_of(name),
                       .head = head.number,
                       .next = std::max(head.number, highest) + 1,
                       .digest = head.digest,
                       .skipped = head.skipped});
}

}  // namespace

// A swap on its way: what is tried next, and what was finalised already.
struct Lineages::Attempt {
  std::string_view name;
  std::string_view content;
  Generation next;                    // its content is `content`
  Generation made;                    // the last one that was finalised
  std::optional<std::uint64_t> ours;  // its number, if there is one
  bool refused = false;               // a place to upload to was

  std::string key() const { return generation_key(name, next.number); }
};

Result<GenerationToken> Lineages::start_of(std::string_view name,
                                           const std::optional<std::string>& expected) {
  const auto known = seen(name);
  if (expected) {
    AGENT_TRY(auto token, parse_token(*expected));
    const bool old = known.looked != Steady{} && clock_.now() - known.looked > k_longest_swap;
    if (token.line != line_of(name) || known.visible > token.head || known.highest >= token.next || old) {
      return fail(Errc::conflict, "swap {}: it was moved", name);
    }
    return token;
  }
  if (known.highest > 0) {
    AGENT_TRY(const auto found, newest(name));
    if (found) {
      return fail(Errc::conflict, "swap {}: it exists", name);
    }
  }
  return GenerationToken{
      .line = line_of(name), .head = 0, .next = known.highest + 1, .digest = {}, .skipped = {}};
}

std::optional<Lineages::Held> Lineages::take_held(const std::string& key) {
  return held_.with([&](auto& all) -> std::optional<Held> {
    auto node = all.extract(key);
    return node.empty() ? std::nullopt : std::optional(std::move(node.mapped()));
  });
}

// Empty where somebody else has the key.
Result<std::optional<Lineages::Held>> Lineages::hold(const std::string& key) {
  if (auto held = take_held(key)) {
    return held;
  }
  const auto since = clock_.now();
  AGENT_TRY(auto reservation, cache_.reserve(key));
  return reservation ? std::optional(Held{.reservation = *std::move(reservation), .since = since})
                     : std::nullopt;
}

// Until the reserved entry is visible, or patience has passed.
Result<std::optional<FoundEntry>> Lineages::await(const std::string& key) {
  constexpr int k_first_part = 100;
  constexpr int k_longest_part = 8;
  const auto begin = clock_.now();
  auto wait = std::max(options_.patience / k_first_part, milliseconds(1));
  while (true) {
    const bool last = clock_.now() - begin >= options_.patience;
    AGENT_TRY(auto found, exactly(key));
    if (found || last) {
      return found;
    }
    const auto left = std::chrono::ceil<milliseconds>(begin + options_.patience - clock_.now());
    options_.pause(std::clamp(left, milliseconds(1), wait));
    wait = std::min(wait * 2, std::max(options_.patience / k_longest_part, milliseconds(1)));
  }
}

// Somebody else has the number that this attempt wants. True: what this attempt finalised before is part of
// what he made. False: try the next number, his does not come. Errors: conflict.
Result<bool> Lineages::give_way(Attempt& attempt) {
  AGENT_TRY(auto theirs, await(attempt.key()));
  if (!theirs) {
    log::info("publish: a reserved generation never came, it is skipped key={}", attempt.key());
    attempt.next.skipped.push_back(attempt.next.number);
    ++attempt.next.number;
    return false;
  }
  const auto number = attempt.next.number;
  if (attempt.ours) {
    AGENT_TRY(const auto generation, fetch(*theirs));
    if (generation && !generation->skips(*attempt.ours)) {
      see(attempt.name, number);
      return true;
    }
  }
  lost_to(attempt.name, number, *std::move(theirs));
  return fail(Errc::conflict, "swap {}: generation {} is somebody else's", attempt.name, number);
}

// False: it took so long that others may have passed over this number, so it must not appear any more.
Result<bool> Lineages::write(const Attempt& attempt, const Held& held) {
  auto generation = attempt.next;
  generation.content = attempt.content;
  const auto bytes = encode_generation(generation);
  AGENT_CHECK(cache_.upload(held.reservation, std::string_view(bytes)));
  if (clock_.now() - held.since >= options_.patience) {
    return false;
  }
  const auto finalised = cache_.finalise(held.reservation, bytes.size());
  if (finalised) {
    return true;
  }
  const auto failed = std::unexpected(finalised.error());
  if (finalised.error().code == Errc::denied) {
    return failed;
  }
  // The reservation is ours, so what is visible under its key is too.
  const auto visible = exactly(attempt.key());
  const auto there = visible && *visible ? fetch(**visible) : std::optional<Generation>{};
  if (!there || !*there) {
    return failed;
  }
  if ((*there)->content != attempt.content) {
    return fail(Errc::conflict, "swap {}: generation {} is of an earlier attempt", attempt.name,
                attempt.next.number);
  }
  return true;
}

// Whether what was just finalised can still be passed over.
Result<Lineages::Verdict> Lineages::verify(const Attempt& attempt, Steady since) {
  // Less than patience, so that clocks may differ in speed.
  const bool in_time = clock_.now() - since < options_.patience * 2 / 3;
  const auto own = *attempt.ours;
  AGENT_TRY(const auto found,
            cache_.find(generation_key(attempt.name, own + 1), std::string(attempt.name) + "/"));
  const auto number = found ? generation_of(attempt.name, found->key).value_or(0) : 0;
  if (number <= own) {
    return number == own && in_time ? Verdict::secured : Verdict::unsure;
  }
  AGENT_TRY(const auto later, fetch(*found));
  if (!later) {
    return Verdict::unsure;
  }
  if (later->skips(own)) {
    lost_to(attempt.name, number, *found);
    return Verdict::skipped;
  }
  return Verdict::secured;
}

// One more generation, or somebody else's in the way. The outcome is final unless it is empty.
Result<std::optional<Generation>> Lineages::advance(Attempt& attempt) {
  const auto key = attempt.key();
  AGENT_TRY(const auto held, hold(key));
  if (!held) {
    AGENT_TRY(const bool included, give_way(attempt));
    return included ? std::optional(attempt.made) : std::nullopt;
  }
  const auto written = write(attempt, *held);
  if (!written) {
    if (written.error().code == Errc::not_found) {  // nobody can use it: it is passed over like others
      if (std::exchange(attempt.refused, true)) {
        return fail(Errc::transient, "{}", written.error().message);
      }
      return std::optional<Generation>{};
    }
    held_.with([&](auto& all) { all.insert_or_assign(key, *held); });
    return std::unexpected(written.error());
  }
  if (!*written) {
    attempt.next.skipped.push_back(attempt.next.number);
    ++attempt.next.number;
    return std::optional<Generation>{};
  }
  see(attempt.name, attempt.next.number);
  attempt.made = attempt.next;
  attempt.ours = attempt.made.number;
  return check(attempt, held->since);
}

// Whether the attempt may end with what it made last; empty: it has to go on.
Result<std::optional<Generation>> Lineages::check(Attempt& attempt, Steady since) {
  AGENT_TRY(const auto verdict, verify(attempt, since));
  if (verdict == Verdict::secured) {
    return std::optional(attempt.made);
  }
  if (verdict == Verdict::skipped) {
    return fail(Errc::conflict, "swap {}: generation {} was passed over", attempt.name, attempt.made.number);
  }
  attempt.next.base = attempt.made.number;  // again, in time
  attempt.next.number = attempt.made.number + 1;
  return std::optional<Generation>{};
}

Result<Generation> Lineages::drive(Attempt& attempt) {
  for (unsigned round = 0; round < k_most_rounds; ++round) {
    AGENT_TRY(auto made, advance(attempt));
    if (made) {
      return *std::move(made);
    }
  }
  return fail(Errc::transient, "swap {}: {} generations were reserved and did not come", attempt.name,
              k_most_rounds);
}

// A swap of ours whose end was not seen turns out to have been made. It counts only once nobody can pass it
// over any more.
Result<void> Lineages::settle(std::string_view name, const Generation& head, const Held& held) {
  Attempt attempt{.name = name, .content = head.content, .next = head, .made = head, .ours = head.number};
  AGENT_TRY(const auto made, check(attempt, held.since));
  if (!made) {
    AGENT_CHECK(drive(attempt));
  }
  return {};
}

Result<std::string> Lineages::swap(std::string_view name, const std::optional<std::string>& expected,
                                   std::string_view content) {
  AGENT_TRY(const auto start, start_of(name, expected));
  Attempt attempt{.name = name,
                  .content = content,
                  .next = {.number = start.next,
                           .base = start.head,
                           .skipped = start.skipped,
                           .digest = io::sha256(io::bytes_of(content)),
                           .content = {}},
                  .made = {},
                  .ours = std::nullopt};
  AGENT_TRY(const auto made, drive(attempt));
  auto version = token_of(name, made, seen(name).highest);
  seen_.with([&](auto& lines) {
    auto& line = lines[std::string(name)];
    line.made.reset();
    if (line.highest == made.number) {
      line.made = Versioned{.content = std::string(content), .version = version};
      line.fresh_until = clock_.now() + k_fresh_lineage;
    }
  });
  return version;
}

}  // namespace agent::backends
