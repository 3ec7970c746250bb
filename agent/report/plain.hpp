// Text from outside made fit to be shown: on a terminal, and in GitHub's Markdown, where it can neither
// format, link, mention nor end a table. Pure functions; safe from any thread.
// Source: GitHub Flavored Markdown spec 0.29, sections 2.5 (entities), 4.10 (tables), 6.9 (autolinks).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace agent::report {

// One line of valid UTF-8 without control characters, invisible ones or ones that turn the direction of
// text; what is no UTF-8 becomes U+FFFD. What is cut has `limit` characters and ends in one more, "…".
std::string plain(std::string_view text, std::size_t limit);

// plain text as Markdown that shows it as it is, inside a paragraph or a table's cell.
std::string markdown_text(std::string_view text, std::size_t limit);

// The same in a monospaced font; empty text stays empty.
std::string markdown_code(std::string_view text, std::size_t limit);

}  // namespace agent::report
