// What one workspace may hold and for how long, where it is not what the servers were started with. Kept in
// the storage, so that all servers over it agree. Value with its JSON form (docs/formats.md, "What a server
// keeps"). Thread-safe; blocks on the storage. Errors: those of the storage, corrupt, unsupported.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "agent/backends/object_storage.hpp"
#include "agent/core/result.hpp"
#include "agent/server/names.hpp"

namespace agent::server {

// Empty members: as the server was started.
struct Limits {
  std::optional<std::uint64_t> quota_bytes;  // of all its tags; 0: any number
  std::optional<std::uint64_t> idle_days;    // tags that nobody used for so long go; 0: none
  bool operator==(const Limits&) const = default;
};

constexpr std::uint64_t k_most_idle_days = 60;  // uses are not remembered for longer

std::string encode(const Limits& limits);
Result<Limits> parse_limits(std::string_view text);

Result<Limits> limits_of(backends::ObjectStorage& storage, const Workspace& workspace);

// What they are afterwards. A quota holds from now on, without waiting for the next cleaning.
// Errors: conflict where others keep changing them.
Result<Limits> change_limits(backends::ObjectStorage& storage, const Workspace& workspace,
                             const std::function<void(Limits&)>& edit);

}  // namespace agent::server
