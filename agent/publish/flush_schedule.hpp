// When to publish what is pending: pure arithmetic over options, figures and the clock's present.
#pragma once

#include <optional>

#include "agent/backends/object_storage.hpp"
#include "agent/core/clock.hpp"
#include "agent/core/result.hpp"
#include "agent/publish/pending_objects.hpp"
#include "agent/publish/publisher.hpp"

namespace agent::publish {

// The options as a storage wants them. One that says how long objects may wait pays by the upload: then
// neither idleness nor the number of objects starts a flush, only bytes, age and drain.
PublisherOptions paced(PublisherOptions options, const backends::Pace& pace);

// When the next flush is due; empty: not before something is added. A moment in the past means now.
std::optional<Steady> flush_due(const PublisherOptions& options, const PendingObjects& pending);

// How long to wait after the `failures`-th failure in a row (from 1): doubling with jitter between half and
// the whole of it, and never before retry_after. `draw` is uniform in [0, 1).
std::chrono::milliseconds backoff(const PublisherOptions& options, unsigned failures, const Error& error,
                                  double draw);

// Retrying cannot help before somebody changes something. What may be an answer spoilt on its way (corrupt)
// counts as permanent here; the queue tries it some times first.
bool is_permanent(Errc code);

}  // namespace agent::publish
