// A circuit breaker around a storage: after several failures in a row that may pass, calls are answered at
// once (transient) instead of waiting for a service that is down. After a while one call is let through; its
// outcome closes the circuit or keeps it open, twice as long each time. Reads and writes are judged apart: a
// service that limits uploads still serves downloads. Answers that are no failures of the service (conflict,
// denied, …) close the circuit. Counts openings in hearth_backend_breaker_openings_total{calls}.
// Thread-safe if the inner storage is.
#pragma once

#include <chrono>
#include <memory>

#include "agent/backends/object_storage.hpp"

namespace agent::backends {

struct BreakerOptions {
  unsigned failures = 5;                      // in a row
  std::chrono::milliseconds open_for{8'000};  // at least; as long as Retry-After says, up to retry_limit
  std::chrono::milliseconds open_limit{60'000};
  std::chrono::milliseconds retry_limit{300'000};
};

// What `services` refers to outlives the storage.
std::unique_ptr<ObjectStorage> with_breaker(std::unique_ptr<ObjectStorage> inner,
                                            const StorageServices& services, BreakerOptions options = {});

}  // namespace agent::backends
