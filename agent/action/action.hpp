// The action's three stages, as the runner starts them: one container each (docs/action.md).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace agent::action {

// `stage` is "pre", "main" or "post"; `arguments` as action.yml's args give them. Returns the process's exit
// code: 0 whatever happens to the cache, unless an input asked for a failure. Never throws.
int run_stage(std::string_view stage, const std::vector<std::string>& arguments);

}  // namespace agent::action
