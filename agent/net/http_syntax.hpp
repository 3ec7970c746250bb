// The character classes and small grammar of HTTP/1.1 that requests, answers and chunks share.
// Pure functions; safe from any thread. RFC 9110 section 5.6, RFC 9112, RFC 3986 section 2.1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace agent::net {

bool is_token(std::string_view text);        // a method or field name
bool is_field_value(std::string_view text);  // no control characters but HTAB
bool is_target(std::string_view text);       // visible ASCII, no '#'
std::optional<unsigned> hex_digit(char c);

// Digits only. Empty where there are others, none, or more than 64 bits hold.
std::optional<std::uint64_t> parse_length(std::string_view text);

// Without the blanks (SP, HTAB) around it.
std::string_view without_blanks(std::string_view text);

// Whether a comma-separated list names `token`, without case.
bool list_has(std::string_view list, std::string_view token);

// Every %XX resolved. Empty where an escape is invalid.
std::optional<std::string> percent_decoded(std::string_view text);

// The reason phrase of a status; "Unknown" where there is none.
std::string_view reason_of(int status);

}  // namespace agent::net
