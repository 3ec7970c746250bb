// Removes terminal escape sequences from compiler output, byte for byte as the real sccache client does when
// the output is no terminal: its `strip-ansi-escapes` 0.2.1 feeds a `vte` 0.14.1 parser and keeps printed
// characters and line feeds. So tabs and other control characters go too, and bytes that are not UTF-8 become
// U+FFFD. Pure; safe from any thread. Source: sccache 0.16.0 src/commands.rs handle_compile_finished; vte
// 0.14.1 src/lib.rs; read 2026-11.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace agent::launcher {

inline constexpr std::size_t k_max_stripped_growth = 3;  // one bad byte becomes three

// True if stripping would change nothing: only printable ASCII and line feeds.
bool is_plain(std::string_view text);

// Writes the stripped text to `out`, which must hold k_max_stripped_growth times the text; returns its
// length.
std::size_t strip_escapes(std::string_view text, std::span<char> out);

}  // namespace agent::launcher
