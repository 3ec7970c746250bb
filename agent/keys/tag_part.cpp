#include "agent/keys/tag_part.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <utility>

#include "agent/core/text.hpp"
#include "agent/io/checksum.hpp"
#include "agent/io/json.hpp"

namespace agent::keys {

namespace {

constexpr std::size_t k_slug_limit = 24;
constexpr std::size_t k_matrix_limit_bytes = std::size_t{64} * 1024;

bool fits(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-';
}

// Every run of other characters becomes one dash.
std::string with_dashes(std::string_view text) {
  std::string out;
  bool replaced = false;
  for (const char c : text) {
    if (fits(c)) {
      out += c;
      replaced = false;
    } else if (!replaced) {
      out += '-';
      replaced = true;
    }
  }
  return out;
}

void trim_dashes(std::string& text) {
  while (!text.empty() && text.back() == '-') {
    text.pop_back();
  }
  text.erase(0, std::min(text.find_first_not_of('-'), text.size()));
}

using Alias = std::pair<std::string_view, std::string_view>;

template <std::size_t N>
std::string resolved(std::string_view name, const std::array<Alias, N>& aliases) {
  auto word = lowered(trimmed(name));
  const auto found = std::ranges::find(aliases, std::string_view(word), &Alias::first);
  return found != aliases.end() ? std::string(found->second) : word;
}

constexpr std::array k_oses = {
    Alias{"darwin", "macos"},  Alias{"osx", "macos"},          Alias{"mac", "macos"},
    Alias{"win32", "windows"}, Alias{"windows_nt", "windows"}, Alias{"win", "windows"},
    Alias{"win64", "windows"},
};

constexpr std::array k_arches = {
    Alias{"x64", "x86_64"},    Alias{"amd64", "x86_64"},  Alias{"x86-64", "x86_64"},
    Alias{"arm64", "aarch64"}, Alias{"armv8", "aarch64"}, Alias{"i386", "x86"},
    Alias{"i686", "x86"},      Alias{"armv7l", "arm"},    Alias{"armv7", "arm"},
};

// A string survives being written as JSON unless it is no UTF-8.
bool is_utf8(const std::string& text) {
  const auto read = io::parse_json(io::Json(io::JsonArray{io::Json(text)}).dump(), "text");
  return read && *read == io::Json(io::JsonArray{io::Json(text)});
}

// Two matrices that differ must differ in canonical text; this refuses what would be written alike.
Result<void> check_lossless(const io::Json& value) {
  if (const auto* text = value.string(); text != nullptr && !is_utf8(*text)) {
    return fail(Errc::invalid, "matrix: holds text that is not UTF-8");
  }
  if (const auto number = value.number(); number && !std::isfinite(*number)) {
    return fail(Errc::invalid, "matrix: holds a number that is too large");
  }
  if (const auto* members = value.object()) {
    for (const auto& [key, member] : *members) {
      AGENT_CHECK(check_lossless(io::Json(key)));
      AGENT_CHECK(check_lossless(member));
    }
  }
  if (const auto* items = value.array()) {
    for (const auto& item : *items) {
      AGENT_CHECK(check_lossless(item));
    }
  }
  return {};
}

// Strings as they are; what says nothing alone (true, 64) with its key before it.
void append_readable(std::string& slug, std::string_view key, const io::Json& value) {
  if (slug.size() > k_slug_limit) {
    return;
  }
  if (const auto* members = value.object()) {
    for (const auto& [name, member] : *members) {
      append_readable(slug, name, member);
    }
  } else if (const auto* items = value.array()) {
    for (const auto& item : *items) {
      append_readable(slug, key, item);
    }
  } else if (!value.is_null()) {
    const auto* text = value.string();
    slug += slug.empty() ? "" : "-";
    slug += text != nullptr ? *text : fmt::format("{}.{}", key, value.dump());
  }
}

}  // namespace

std::string hash16(std::string_view text) {
  return io::sha256(std::as_bytes(std::span(text))).hex().substr(0, 16);
}

std::string fit_for_tag(std::string_view text, std::size_t limit) {
  if (text.size() <= limit && std::ranges::all_of(text, fits)) {
    return std::string(text);
  }
  constexpr std::size_t k_hash = 10;
  auto readable = with_dashes(text).substr(0, limit - k_hash - 1);
  trim_dashes(readable);
  const auto hash = hash16(text).substr(0, k_hash);
  return readable.empty() ? hash : readable + "-" + hash;
}

std::string platform_os(std::string_view name) {
  return resolved(name, k_oses);
}

std::string platform_arch(std::string_view name) {
  return resolved(name, k_arches);
}

Result<MatrixPart> matrix_part(std::string_view json) {
  if (trimmed(json).empty() || trimmed(json) == "null") {
    return MatrixPart{};
  }
  constexpr std::string_view k_expected = "give a JSON object, as ${{ toJSON(matrix) }} does";
  const auto parsed = io::parse_json(json, "matrix", {.bytes = k_matrix_limit_bytes, .depth = 16});
  if (!parsed) {
    return fail(Errc::invalid, "{}; {}", parsed.error().message, k_expected);
  }
  const auto& matrix = *parsed;
  if (!matrix.is_object()) {
    return fail(Errc::invalid, "matrix: not a JSON object; {}", k_expected);
  }
  if (matrix.object()->empty()) {
    return MatrixPart{};
  }
  AGENT_CHECK(check_lossless(matrix));
  MatrixPart part;
  part.canonical = matrix.dump();
  part.hash = hash16(part.canonical);
  append_readable(part.slug, "", matrix);
  part.slug = with_dashes(part.slug).substr(0, k_slug_limit);
  trim_dashes(part.slug);
  if (part.slug.empty()) {
    part.slug = "matrix";
  }
  return part;
}

}  // namespace agent::keys
