// What a job used of the packs in a table (LoadedPack::used). Free functions; safe from any thread.
#pragma once

#include <vector>

#include "agent/publish/key_table.hpp"
#include "agent/publish/touch_set.hpp"

namespace agent::publish {

// Of the own scope, packs of which anything was used.
std::vector<UsedPack> uses_of(const KeyTable& table);

// Packs that were replaced hand on what was used of them to those that have it now.
void carry_uses(const KeyTable& from, const KeyTable& to);

}  // namespace agent::publish
