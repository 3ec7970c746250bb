#include "agent/publish/use_record.hpp"

#include <utility>

#include "agent/publish/tag_head.hpp"

namespace agent::publish {

Result<bool> record_uses(backends::ObjectStorage& storage, const TagId& tag, const Clock& clock,
                         const std::vector<UsedPack>& used) {
  constexpr int k_tries = 4;
  for (int tries = 1; !used.empty(); ++tries) {
    AGENT_TRY(const auto head, read_head(storage, tag));
    auto touches = touches_of(head.manifest);
    if (!head.version || !add_uses(touches, head.manifest, used, day_of(clock.wall()))) {
      return false;
    }
    auto next = merged(head.manifest, {}, step_after(head, clock));
    set_touches(next, std::move(touches));
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
