// The root tag of the current folder, for commands without --tag.
#pragma once

#include <string>

#include "agent/core/result.hpp"

namespace agent::cli {

// What `hearth tag` prints here without any flag.
Result<std::string> default_tag();

}  // namespace agent::cli
