// What GitHub's services answer, as values: the cache service in version 2 (twirp, JSON) and version 1, and
// the listing of the REST interface. Pure functions; safe from any thread. Texts are outside bytes: at most
// 1 MiB (a listing: 4 MiB), and URLs must be http:// or https://.
// Errors: transient (the text is not the JSON that was expected: what stands between us and the service
// answers in its own words, and the clients of GitHub try again then too).
// Sources: actions/toolkit packages/cache/src/generated/results/api/v1/cache.ts and
// src/internal/contracts.d.ts; docs.github.com/rest/actions/cache; read 2026-11. Both spellings of names and
// both forms of 64-bit integers occur in the wild.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/clock.hpp"
#include "agent/core/result.hpp"

namespace agent::backends {

struct TwirpAnswer {
  bool ok = false;
  std::string message;      // why not; may be empty
  std::string url;          // signed, for upload or download
  std::string matched_key;  // of a look-up
};
Result<TwirpAnswer> parse_twirp_answer(std::string_view text);

// Of an answer that is no 200; empty where it is not twirp's.
struct TwirpError {
  std::string code;
  std::string message;
};
TwirpError parse_twirp_error(std::string_view text);

Result<std::uint64_t> parse_v1_reservation(std::string_view text);

struct V1Entry {
  std::string key;
  std::string url;
};
Result<V1Entry> parse_v1_entry(std::string_view text);

struct ListedEntry {
  std::uint64_t id = 0;
  std::string key;
  std::string version;
  std::string ref;  // whose entry it is
  std::uint64_t size_bytes = 0;
  Wall created{};
};
struct ListedPage {
  std::uint64_t total = 0;
  std::vector<ListedEntry> entries;
};
Result<ListedPage> parse_listed_page(std::string_view text);

// Bytes of all entries of the repository.
Result<std::uint64_t> parse_usage(std::string_view text);

// "2026-11-21T14:52:27Z", with or without a fraction, which is dropped.
std::optional<Wall> parse_utc(std::string_view text);

}  // namespace agent::backends
