// What Hearth's own tags hold: their pointers and manifests lie in the server's storage like any client's
// objects, and say it. Thread-safe; blocks on the storage.
#pragma once

#include <cstdint>
#include <optional>

#include "agent/publish/tag.hpp"
#include "agent/server/call.hpp"
#include "agent/server/records.hpp"

namespace agent::server {

struct HearthTag {
  publish::TagId id;
  std::uint64_t bytes = 0;    // of its packs
  std::uint64_t objects = 0;  // in them
};

// REQUIRES: `record` is a tag that a pointer of Hearth's is kept as. Empty: what is there cannot be read as
// one, by this version at least.
std::optional<HearthTag> read_hearth_tag(Context& context, const Workspace& workspace,
                                         const TagRecord& record);

}  // namespace agent::server
