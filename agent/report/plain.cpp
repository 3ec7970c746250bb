#include "agent/report/plain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>

namespace agent::report {

namespace {

constexpr std::string_view k_replacement = "\xEF\xBF\xBD";

struct Character {
  std::uint32_t code = 0;
  std::size_t length = 0;  // in bytes
};

// The character at the start of `text`; empty where the bytes are no UTF-8 (RFC 3629).
std::optional<Character> first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
  };
  const auto lead = byte(0);
  if (lead < 0x80) {
    return Character{.code = lead, .length = 1};
  }
  std::size_t length = 0;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
  }
  if (length == 0 || text.size() < length) {
    return std::nullopt;
  }
  std::uint32_t code = lead & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) {
      return std::nullopt;
    }
    code = (code << 6U) | (byte(i) & 0x3FU);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (overlong || surrogate || code > 0x10FFFF) {
    return std::nullopt;
  }
  return Character{.code = code, .length = length};
}

bool is_control(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029;
}

// Zero-width characters, marks that turn the direction of text, tags and other invisible code points.
bool is_invisible(std::uint32_t code) {
  return (code >= 0x200B && code <= 0x200F) || (code >= 0x202A && code <= 0x202E) ||
         (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF || code == 0xAD || code >= 0xE0000;
}

// Characters with a meaning to GitHub's Markdown inside a line. A colon has one before a letter or slash
// (emoji, links), a dot after "www".
bool has_meaning(std::string_view text, std::size_t at) {
  const char c = text[at];
  if (c == ':') {
    return at + 1 < text.size() && text[at + 1] != ' ';
  }
  if (c == '.') {
    return at >= 3 && (text[at - 1] == 'w' || text[at - 1] == 'W');
  }
  return std::string_view("&<>|`*_[]\\~@#$").contains(c);
}

std::string with_entities(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (has_meaning(text, i)) {
      out += fmt::format("&#{};", static_cast<unsigned>(static_cast<unsigned char>(text[i])));
    } else {
      out += text[i];
    }
  }
  return out;
}

bool is_plain_code(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view(" ._-/:+=@,()'%#*~").contains(c);
}

}  // namespace

std::string plain(std::string_view text, std::size_t limit) {
  std::string out;
  std::size_t count = 0;
  while (!text.empty()) {
    if (count == limit) {
      out += "…";
      break;
    }
    const auto character = first_character(text);
    const auto length = character ? character->length : 1;
    if (!character) {
      out += k_replacement;
    } else if (is_control(character->code)) {
      out += ' ';
    } else if (!is_invisible(character->code)) {
      out += text.substr(0, length);
    }
    ++count;
    text.remove_prefix(length);
  }
  return out;
}

std::string log_text(std::string_view text, std::size_t limit) {
  auto shown = plain(text, limit);
  for (auto at = shown.find("##["); at != std::string::npos; at = shown.find("##[", at)) {
    shown.insert(at + 2, " ");
  }
  return shown.find_first_not_of(' ') == shown.find(':') && shown.contains(':') ? "| " + shown : shown;
}

std::string markdown_text(std::string_view text, std::size_t limit) {
  return with_entities(plain(text, limit));
}

std::string markdown_code(std::string_view text, std::size_t limit) {
  auto shown = plain(text, limit);
  if (shown.empty()) {
    return shown;
  }
  // A code span needs no entities, and would show them; it loses a blank at either end.
  if (std::ranges::all_of(shown, is_plain_code) && shown.front() != ' ' && shown.back() != ' ') {
    return "`" + shown + "`";
  }
  return "<code>" + with_entities(shown) + "</code>";
}

}  // namespace agent::report
