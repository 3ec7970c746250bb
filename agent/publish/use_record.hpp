// Records in a tag what a job used of it: one swap, and none where today's record says the same already.
// Free function, safe from any thread; blocks on the storage.
#pragma once

#include <vector>

#include "agent/backends/object_storage.hpp"
#include "agent/core/clock.hpp"
#include "agent/publish/tag.hpp"
#include "agent/publish/touch_set.hpp"

namespace agent::publish {

// False where nothing had to be recorded. Errors: those of agent/publish/tag_head.hpp; conflict (others were
// faster over and over). What was not recorded only looks as if it had been used earlier.
Result<bool> record_uses(backends::ObjectStorage& storage, const TagId& tag, const Clock& clock,
                         const std::vector<UsedPack>& used);

}  // namespace agent::publish
