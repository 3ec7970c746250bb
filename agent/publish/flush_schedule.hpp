// When to publish what is pending: pure arithmetic over options, figures and the clock's present.
#pragma once

#include <optional>
#include <random>

#include "agent/core/clock.hpp"
#include "agent/core/result.hpp"
#include "agent/publish/pending_objects.hpp"
#include "agent/publish/publisher.hpp"

namespace agent::publish {

// When the next flush is due; empty: not before something is added. A moment in the past means now.
std::optional<Steady> flush_due(const PublisherOptions& options, const PendingObjects& pending);

// How long to wait after the `failures`-th failure in a row (from 1): doubling with jitter between half and
// the whole of it, and never before retry_after. `draw` is uniform in [0, 1).
std::chrono::milliseconds backoff(const PublisherOptions& options, unsigned failures, const Error& error,
                                  double draw);

// Retrying cannot help before somebody changes something.
bool is_permanent(Errc code);

}  // namespace agent::publish
