// In which order the packs of a tag are read before anybody asks: first the parts that recent runs used, then
// the rest; the own scope before the others, newest packs first. Pure functions over values.
#pragma once

#include <memory>
#include <vector>

#include "agent/backends/object_storage.hpp"
#include "agent/publish/key_table.hpp"
#include "agent/publish/touch_set.hpp"

namespace agent::publish {

struct PreloadPiece {
  std::shared_ptr<const LoadedPack> pack;
  backends::Range range;
};

// `touches` by scope. What was used within three days of the last use that is known of counts as recent; what
// nobody recorded counts as used when it was published.
std::vector<PreloadPiece> preload_order(std::vector<ScopedPack> packs,
                                        const std::vector<std::shared_ptr<const TouchSet>>& touches);

}  // namespace agent::publish
