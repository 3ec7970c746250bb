// Records in a tag what a job used of it and what its run came to: one swap, and none where today's record
// says the same already and a run of the last hour is in the history.
// Free function, safe from any thread; blocks on the storage.
#pragma once

#include <optional>
#include <vector>

#include "agent/backends/object_storage.hpp"
#include "agent/core/clock.hpp"
#include "agent/publish/run_history.hpp"
#include "agent/publish/tag.hpp"
#include "agent/publish/touch_set.hpp"

namespace agent::publish {

struct JobRecord {
  std::vector<UsedPack> used;
  std::optional<PastRun> run{};
};

// False where nothing had to be recorded. Errors: those of agent/publish/tag_head.hpp; conflict (others were
// faster over and over). What was not recorded only looks as if it had been used earlier, and leaves a gap in
// the history.
Result<bool> record_uses(backends::ObjectStorage& storage, const TagId& tag, const Clock& clock,
                         const JobRecord& job);

}  // namespace agent::publish
