// What counts as an entry of a cache folder of sccache's (SCCACHE_DIR), and where our own notes about such a
// folder are kept. Pure; safe from any thread.
//
// sccache keeps a result in `a/b/abc…` and what it learnt about a source (direct mode) in
// `preprocessor/a/b/c/abc…`; it writes to `.sccachetmp…` in the folder and renames. An entry's name here is
// its path below the folder, so that a newer sccache with another layout is kept just as well. Source:
// sccache 0.16.0, src/cache/disk.rs and src/lru_disk_cache/mod.rs; read 2026-11. Guard:
// tests/agent/hydration_test.py, against the real one.
#pragma once

#include <string_view>

#include "agent/io/file.hpp"

namespace agent::sccache {

// Entries below it are replaced in place when sccache learns more; all others are immutable.
constexpr std::string_view k_replaced_entries = "preprocessor/";

// At most six levels of [A-Za-z0-9._-], none of which begins with a dot, so that neither sccache's temporary
// files nor anything outside the folder is meant.
bool is_entry(std::string_view path);

// Beside the folder, because sccache takes whatever lies in it for an entry.
io::fs::path list_beside(const io::fs::path& folder);

}  // namespace agent::sccache
