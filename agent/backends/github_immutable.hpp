// Objects that never change in GitHub's cache service: one entry each. Where a key is reserved and its bytes
// never come, because whoever reserved it is gone or an answer was lost, the object goes under `<name>~1`,
// `<name>~2`, …: '~' is in no name, and asking for `<name>` finds those by prefix where it does not find the
// name itself. Thread-safe; blocks on the service, and up to `patience` where somebody else is uploading the
// same name.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/backends/github_service.hpp"
#include "agent/backends/github_urls.hpp"
#include "agent/core/clock.hpp"
#include "agent/core/guarded.hpp"

namespace agent::backends {

constexpr char k_alias_mark = '~';

struct ImmutableOptions {
  std::chrono::milliseconds patience{15'000};
  std::function<void(std::chrono::milliseconds)> pause;  // lets time pass on the clock
};

class ImmutableEntries final {
public:
  ImmutableEntries(ActionsCache& cache, const Clock& clock, ImmutableOptions options)
      : cache_(cache), clock_(clock), options_(std::move(options)), urls_(clock) {}

  Result<Put> put(std::string_view name, const Source& source);
  Result<std::optional<std::string>> get(std::string_view name, Range range);

  // All of it. Errors: corrupt where it is larger than `limit_bytes`.
  Result<std::optional<std::string>> read(std::string_view name, std::uint64_t limit_bytes);

  // The entry was removed.
  void forget(std::string_view name);

private:
  // What an earlier call for a name left behind.
  struct Left {
    std::optional<Reservation> reservation;  // not finalised yet
    bool unknown = false;                    // its answer was lost: the key may be reserved, by us
  };

  Result<std::optional<std::string>> url_of(std::string_view name);
  Result<std::optional<Piece>> download(std::string_view name, Range range);
  Result<bool> appears(std::string_view name, bool at_once);
  Result<std::optional<Reservation>> reserve(std::string_view name, const std::string& key);
  Result<void> fill(std::string_view name, const Reservation& reservation, const Source& source);
  Left take_left(std::string_view name);

  ActionsCache& cache_;
  const Clock& clock_;
  ImmutableOptions options_;
  SignedUrls urls_;
  Guarded<std::map<std::string, Left, std::less<>>> left_;  // by name
};

}  // namespace agent::backends
