// Removes terminal escape sequences from compiler output, byte for byte as the real sccache client does when
// the output is no terminal: its `strip-ansi-escapes` 0.2.0 feeds a `vte` 0.11.1 parser (Paul Williams' state
// machine) and keeps printed characters and line feeds. So tabs and other control characters go too, stray
// bytes of 0x80 and above vanish, and a broken UTF-8 sequence becomes U+FFFD together with the byte that
// broke it. Pure; safe from any thread. Source: sccache 0.16.0 src/commands.rs handle_compile_finished; its
// released binary's bill of materials; vte 0.11.1 src/table.rs; utf8parse 0.2.1 src/types.rs; read 2026-11.
// Guard: tests/launcher/launcher_parity_test.py, test_prints_what_the_real_client_prints.
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
