// One generation of what moves, as GitHub's cache service keeps it: entries are immutable there, so a pointer
// is a line of entries, `<name>/<ten digits>.`, and the one with the highest number counts (docs/formats.md,
// "In GitHub's cache service"). The dot keeps 10 from being a prefix of 100. Values and pure functions; safe
// from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/digest.hpp"
#include "agent/core/result.hpp"

namespace agent::backends {

constexpr std::uint64_t k_last_generation = 9'999'999'999;  // ten digits
constexpr std::size_t k_most_skipped = 8;
constexpr std::size_t k_generation_header_bytes = 128;

// "<name>/0000000012."
std::string generation_key(std::string_view name, std::uint64_t number);

// The number in a key of this line; empty where the key is no part of it.
std::optional<std::uint64_t> generation_of(std::string_view name, std::string_view key);

struct Generation {
  std::uint64_t number = 0;
  std::uint64_t base = 0;              // the generation it was made from; 0: none
  std::vector<std::uint64_t> skipped;  // reserved but invisible when it was made, and not in it; ascending
  Digest digest;                       // SHA-256 of the content
  std::string content;

  // True also where that is more than k_most_skipped generations ago: the list does not reach as far.
  bool skips(std::uint64_t other) const;
};

// Header and content. `skipped` keeps its last k_most_skipped.
std::string encode_generation(const Generation& generation);

// Errors: corrupt, unsupported (a newer format).
Result<Generation> parse_generation(std::string_view bytes);

// What a reader knew, for the swap that follows: the version of a Versioned. Opaque to callers.
struct GenerationToken {
  std::string line;                    // the start of the SHA-256 of the name: a token fits its own line only
  std::uint64_t head = 0;              // what was read
  std::uint64_t next = 0;              // the number to take
  Digest digest;                       // of what was read
  std::vector<std::uint64_t> skipped;  // for the next header
};
std::string line_of(std::string_view name);
std::string encode_token(const GenerationToken& token);

// Errors: invalid.
Result<GenerationToken> parse_token(std::string_view text);

}  // namespace agent::backends
