// Makes room in a storage that is nearly full, before it removes what it likes. Free function, safe from any
// thread; blocks on the storage.
#pragma once

#include <functional>

#include "agent/backends/object_storage.hpp"
#include "agent/core/clock.hpp"
#include "agent/metrics/registry.hpp"

namespace agent::publish {

// Asks how full it is, where it tells us, and beyond 80 % of its limit removes what nothing refers to
// (agent/publish/retention.hpp). What goes wrong is logged: nobody waits for this. Counts
// hearth_relieved_bytes_total and hearth_relieved_objects_total. `go_on` as in RetentionOptions.
void relieve_storage(backends::ObjectStorage& storage, const Clock& clock, metrics::Registry& registry,
                     const std::function<bool()>& go_on);

}  // namespace agent::publish
