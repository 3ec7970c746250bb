// Counts what a storage is asked: hearth_backend_calls_total{operation},
// hearth_backend_errors_total{operation,code}, hearth_backend_rate_limited_total,
// hearth_backend_call_seconds{operation}. A conflict is an answer, not an error, and is not counted as one.
// Thread-safe if the inner storage is.
#pragma once

#include <memory>

#include "agent/backends/object_storage.hpp"
#include "agent/metrics/registry.hpp"

namespace agent::backends {

// `registry` outlives the storage.
std::unique_ptr<ObjectStorage> metered(std::unique_ptr<ObjectStorage> inner, metrics::Registry& registry);

}  // namespace agent::backends
