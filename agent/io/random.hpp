// Random bytes of the kernel, for keys and tokens. Free functions; safe from any thread.
#pragma once

#include <cstddef>
#include <string>

#include "agent/core/result.hpp"

namespace agent::io {

// Errors: io, where the kernel gives none.
Result<std::string> random_bytes(std::size_t count);

}  // namespace agent::io
