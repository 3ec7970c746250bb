// GitHub's cache service as a set of operations, whatever its version: reserve a key, upload, finalise; find;
// download. An entry belongs to the job's scope, is immutable, and is seen by nobody before it is finalised.
// Thread-safe; calls block as net::HttpClient does.
// Sources: actions/toolkit packages/cache/src (cacheHttpClient.ts, shared/cacheTwirpClient.ts,
// uploadUtils.ts), GitHub docs "Dependency caching reference"; read 2026-11. Guard: tests/github runs the
// real clients against the emulator that tests/contract uses.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/backends/github_calls.hpp"
#include "agent/backends/object_storage.hpp"

namespace agent::backends {

// Entries are found only with the version they were created with: ours, whatever other tools keep under the
// same keys. The SHA-256 of "hearth object, version 1".
constexpr std::string_view k_entry_version =
    "e8c258822cd0f0de8b1bb632f93dace1fbf9ee7e8c4ba12ee3dfd4b893c5e94f";

struct Reservation {
  std::string key;
  std::string upload_url;  // version 2
  std::uint64_t id = 0;    // version 1
};

struct FoundEntry {
  std::string key;
  std::string url;  // signed, short-lived
};

struct Piece {
  std::string bytes;
  std::uint64_t total = 0;  // of the whole entry
};

class ActionsCache {
public:
  virtual ~ActionsCache() = default;

  // Empty where the key is taken, reserved or finalised. Errors: denied (read-only token), transient: whether
  // it was reserved is not known then.
  virtual Result<std::optional<Reservation>> reserve(std::string_view key) = 0;

  // May be repeated before it is finalised; the last one counts. Errors: not_found where the place to upload
  // to is refused: the reservation is of no use any more.
  virtual Result<void> upload(const Reservation& reservation, const Source& source) = 0;

  virtual Result<void> finalise(const Reservation& reservation, std::uint64_t size_bytes) = 0;

  // The entry with exactly this key; else the newest whose key starts with it; else the newest that starts
  // with `otherwise`, unless that is empty.
  virtual Result<std::optional<FoundEntry>> find(std::string_view key, std::string_view otherwise = {}) = 0;

  // What there is of the range, which is not empty. Empty where the URL leads nowhere any more: expired, or
  // the entry is gone.
  virtual Result<std::optional<Piece>> download(const std::string& url, Range range) = 0;
};

// `config`, `clock` and `registry` outlive it.
std::unique_ptr<ActionsCache> open_actions_cache(const GithubConfig& config, const Clock& clock,
                                                 metrics::Registry& registry);

}  // namespace agent::backends
