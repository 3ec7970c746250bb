// Cache folders of tools that keep one file per entry: what counts as an entry, where it goes in a tag, and
// where our own notes about such a folder are kept. Pure; safe from any thread.
//
// An entry's name here is its path below the folder, so that a newer version of a tool with another layout is
// kept just as well. Both tools write to a temporary file and rename it.
#pragma once

#include <string_view>

#include "agent/io/file.hpp"

namespace agent::folders {

struct CacheFolder {
  std::string_view tool;
  std::string_view name_space;              // of its entries in a tag, with its slash
  bool (*is_entry)(std::string_view path);  // never true for what leads out of the folder
  // Entries below it are replaced in place when the tool learns more, all others never; empty: all may be.
  std::string_view replaced_below;

  bool may_be_replaced(std::string_view path) const { return path.starts_with(replaced_below); }
};

// SCCACHE_DIR: a result in `a/b/abc…`, what was learnt about a source (direct mode) in
// `preprocessor/a/b/c/abc…`; temporary files are `.sccachetmp…`. Source: sccache 0.16.0, src/cache/disk.rs
// and src/lru_disk_cache/mod.rs; read 2026-11. Guard: tests/agent/hydration_test.py, against the real one.
const CacheFolder& sccache_folder();

// CCACHE_DIR: `a/b/…R` (results), `…M` (manifests, which grow), `…W` (raw files), two to four levels deep;
// what is left alone are counters (`stats`), CACHEDIR.TAG, the configuration, `tmp` and `lock`. Source:
// ccache 4.7.5 and its manual; looked at running, 2026-11. Guard: tests/agent/ccache_test.py, against the
// real one.
const CacheFolder& ccache_folder();

// Beside the folder, because tools take whatever lies in it for an entry.
io::fs::path list_beside(const io::fs::path& folder);

}  // namespace agent::folders
