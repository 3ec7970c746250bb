// A secret that all servers over one storage share: whoever comes first makes it there. Blocks on the
// storage.
#pragma once

#include <string_view>

#include "agent/backends/object_storage.hpp"
#include "agent/core/result.hpp"
#include "agent/core/secret.hpp"

namespace agent::server {

// At least 32 random bytes, kept in `object` (docs/formats.md, "What a server keeps").
// Errors: those of the storage, corrupt, transient (it can neither be read nor made).
Result<Secret> shared_key(backends::ObjectStorage& storage, std::string_view object);

}  // namespace agent::server
