// Base64 with padding (RFC 4648, section 4). Pure functions; safe from any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace agent::io {

std::string to_base64(std::span<const std::byte> bytes);

// Accepts what to_base64 writes and nothing else: no line breaks, no missing padding, no bits left over.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace agent::io
