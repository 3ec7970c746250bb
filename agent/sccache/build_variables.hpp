// The environment of a build, as far as it matters to caching, and fit to be kept and shown: names that
// select a backend, enter sccache's keys or keep tools from reaching the cache; values without credentials.
// Pure; safe from any thread. Sources: mozilla/sccache 0.16.0 src/compiler/rust.rs (every CARGO_* but a few
// enters Rust's keys) and src/compiler/c.rs (CACHED_ENV_VARS); src/config.rs; read 2026-11.
#pragma once

#include <string>
#include <string_view>

#include "agent/io/process.hpp"

namespace agent::sccache {

// Whether a variable is worth keeping in a run's record.
bool matters(std::string_view name);

// True where the variable is part of the key of every Rust compilation.
bool enters_rust_keys(std::string_view name);

// True where it is part of the key of every compilation of C, C++ and the like.
bool enters_c_keys(std::string_view name);

// The value as it may be shown: "(hidden)" for what a credential is called or looks like, URLs without user
// names and queries, at most 300 bytes.
std::string shown_value(std::string_view name, std::string_view value);

// What matters, values as shown_value; sorted by name.
io::Environment kept_variables(const io::Environment& environment);

}  // namespace agent::sccache
