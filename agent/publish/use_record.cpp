#include "agent/publish/use_record.hpp"

#include <utility>

#include "agent/publish/tag_head.hpp"

namespace agent::publish {

Result<bool> record_uses(backends::ObjectStorage& storage, const TagId& tag, const Clock& clock,
                         const JobRecord& job) {
  constexpr int k_tries = 4;
  for (int tries = 1; !job.used.empty() || job.run; ++tries) {
    AGENT_TRY(const auto head, read_head(storage, tag));
    auto touches = touches_of(head.manifest);
    const bool uses_changed = add_uses(touches, head.manifest, job.used, day_of(clock.wall()));
    if (!head.version || !(uses_changed || (job.run && is_due(head.manifest, *job.run)))) {
      return false;
    }
    auto next = merged(head.manifest, {}, step_after(head, clock));
    if (uses_changed) {
      set_touches(next, std::move(touches));
    }
    if (job.run) {
      add_run(next, *job.run);
    }
    const auto swapped = replace_head(storage, tag, head, next);
    if (swapped) {
      return true;
    }
    if (swapped.error().code != Errc::conflict || tries == k_tries) {
      return std::unexpected(swapped.error());
    }
  }
  return false;
}

}  // namespace agent::publish
