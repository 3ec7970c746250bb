// Text from outside made fit to be shown: on a terminal, in a job's log, and in GitHub's Markdown, where it
// can neither format, link, mention nor end a table. Pure functions; safe from any thread. Sources: GitHub
// Flavored Markdown spec 0.29, sections 2.5 (entities), 4.10 (tables), 6.9 (autolinks); actions/runner
// 258d6c8, src/Runner.Common/ActionCommand.cs; read 2026-11.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace agent::report {

// One line of valid UTF-8 without control characters, invisible ones or ones that turn the direction of
// text; what is no UTF-8 becomes U+FFFD. What is cut has `limit` characters and ends in one more, "…".
std::string plain(std::string_view text, std::size_t limit);

// plain text that begins no workflow command, wherever in a line it stands: a runner takes `::` for one after
// blanks, and `##[` anywhere. Nothing is cut unless `limit` says so.
std::string log_text(std::string_view text, std::size_t limit = std::string_view::npos);

// plain text as Markdown that shows it as it is, inside a paragraph or a table's cell.
std::string markdown_text(std::string_view text, std::size_t limit);

// The same in a monospaced font; empty text stays empty.
std::string markdown_code(std::string_view text, std::size_t limit);

}  // namespace agent::report
