// Which Rust toolchain a workspace pins. Reads at most two small files; asks `rustc` only where told to.
// Stateless; safe from any thread. Source: rustup book, "Overrides" (the toolchain file), read 2026-11:
// `rust-toolchain` wins over `rust-toolchain.toml`; a file of one line names the channel, any other is TOML.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "agent/core/result.hpp"

namespace agent::keys {

// The channel that a toolchain file names, as it stands there; empty where it names none.
// Text beyond 64 KiB is not looked at.
std::optional<std::string> channel_of(std::string_view toolchain_file);

// The version inside a channel: "1.95.0" of "1.95.0-x86_64-unknown-linux-gnu", "nightly-2026-10-01".
// Empty for a channel that moves, such as "stable".
std::optional<std::string> version_of(std::string_view channel);

// The version in what `rustc -V` prints: "1.95.0" of "rustc 1.95.0 (59807616e 2026-04-14)".
std::optional<std::string> version_of_rustc(std::string_view output);

struct Toolchain {
  std::string version;  // empty: nothing pins one
  std::string source;   // the file or command; where nothing pins a version, why not
};

// What the toolchain file of `workspace` pins. Never fails: an unreadable file pins nothing and says why.
Toolchain pinned_toolchain(const std::filesystem::path& workspace);

// Runs `rustc -V` in `workspace`, for at most ten seconds. Not inside the action's container, where the
// host's compiler cannot be seen. Never fails.
Toolchain installed_toolchain(const std::filesystem::path& workspace);

}  // namespace agent::keys
