// Stops asking GitHub's cache service for a while once it says that it has had enough: every job of the
// repository shares its limit, and calls that are bound to be refused make it worse. 429 and
// `resource_exhausted` stop calls of their kind until Retry-After has passed, a 502 for a second, which
// doubles with each one in a row; looking things up stops only at the third. Thread-safe; never blocks.
// Source: DeterminateSystems/magic-nix-cache, which gives up for the job; read 2026-11.
#pragma once

#include <array>
#include <cstdint>

#include "agent/core/clock.hpp"
#include "agent/core/guarded.hpp"
#include "agent/core/result.hpp"
#include "agent/net/http_client.hpp"

namespace agent::backends {

enum class CallKind : std::uint8_t { look_up, write };

class ServiceBreaker final {
public:
  explicit ServiceBreaker(const Clock& clock) : clock_(clock) {}

  // Errors: transient while it is open; retry_after is what is left, where the service named a time.
  Result<void> admit(CallKind kind) const;

  void note(CallKind kind, const net::ClientResponse& answer);

private:
  struct Line {
    Steady until{};
    bool limited = false;  // by a 429
    unsigned bad_gateways = 0;
  };

  const Clock& clock_;
  Guarded<std::array<Line, 2>> lines_;
};

}  // namespace agent::backends
