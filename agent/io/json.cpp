#include "agent/io/json.hpp"

#include <Poco/Dynamic/Var.h>
#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace agent::io {

namespace {

Json from_poco(const Poco::Dynamic::Var& value) {
  if (value.isEmpty()) {
    return {};
  }
  if (value.type() == typeid(Poco::JSON::Object::Ptr)) {
    JsonObject object;
    for (const auto& [key, member] : *value.extract<Poco::JSON::Object::Ptr>()) {
      object.emplace(key, from_poco(member));
    }
    return object;
  }
  if (value.type() == typeid(Poco::JSON::Array::Ptr)) {
    JsonArray array;
    for (const auto& item : *value.extract<Poco::JSON::Array::Ptr>()) {
      array.push_back(from_poco(item));
    }
    return array;
  }
  if (value.isString()) {
    return value.extract<std::string>();
  }
  if (value.isBoolean()) {
    return value.extract<bool>();
  }
  if (value.isInteger()) {
    return value.isSigned() ? Json(static_cast<std::int64_t>(value.convert<Poco::Int64>()))
                            : Json(static_cast<std::uint64_t>(value.convert<Poco::UInt64>()));
  }
  return value.convert<double>();
}

// The length of the valid UTF-8 sequence at the start of `text`; 0 if there is none (RFC 3629).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto follows = [&](std::size_t count) {
    if (text.size() <= count) {
      return false;
    }
    for (std::size_t i = 1; i <= count; ++i) {
      if ((byte(i) & 0xC0U) != 0x80U) {
        return false;
      }
    }
    return true;
  };
  const unsigned first = byte(0);
  if (first < 0x80) {
    return 1;
  }
  if (first >= 0xC2 && first <= 0xDF && follows(1)) {
    return 2;
  }
  if (first >= 0xE0 && first <= 0xEF && follows(2)) {
    const bool overlong = first == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = first == 0xED && byte(1) >= 0xA0;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xF0 && first <= 0xF4 && follows(3)) {
    const bool overlong = first == 0xF0 && byte(1) < 0x90;
    const bool beyond = first == 0xF4 && byte(1) >= 0x90;
    return overlong || beyond ? 0 : 4;
  }
  return 0;
}

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
        out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
      } else {
        out += c;
      }
  }
}

void append_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const auto length = utf8_length(text);
    if (length == 1) {
      append_escaped(out, text.front());
    } else if (length == 0) {
      out += "\xEF\xBF\xBD";
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
}

// The end of the string that starts with the quote at `at`.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    at += text[at] == '\\' ? 1U : 0U;
  }
  return at + 1;
}

// The first integer that does not fit 64 bits; Poco 1.11 makes 0 of 2^64 and -2^63 of -2^63-1 without a word.
std::optional<std::string_view> oversized_integer(std::string_view text) {
  constexpr std::string_view k_number = "0123456789+-.eE";
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '"') {
      at = end_of_string(text, at);
      continue;
    }
    const auto end = std::min(text.find_first_not_of(k_number, at), text.size());
    const auto token = text.substr(at, end - at);
    std::int64_t as_signed = 0;
    std::uint64_t as_unsigned = 0;
    const auto* const last = token.data() + token.size();
    if (token.find_first_of("0123456789") != std::string_view::npos &&
        token.find_first_of(".eE") == std::string_view::npos &&
        std::from_chars(token.data(), last, as_signed).ec == std::errc::result_out_of_range &&
        std::from_chars(token.data(), last, as_unsigned).ec != std::errc{}) {
      return token;
    }
    at = std::max(end, at + 1);
  }
  return std::nullopt;
}

// Poco quotes the offending byte as it is; logs and summaries are no place for it.
std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out += c >= ' ' && c <= '~' ? c : '?';
  }
  return out;
}

// What surrounds and separates the members of an array or object.
class Layout {
public:
  explicit Layout(int indent) : indent_(indent) {}
  void line(std::string& out, int depth) const {
    if (indent_ > 0) {
      out += '\n';
      out.append(static_cast<std::size_t>(indent_) * static_cast<std::size_t>(depth), ' ');
    }
  }
  std::string_view colon() const { return indent_ > 0 ? ": " : ":"; }

private:
  int indent_;
};

void append(std::string& out, const Json& value, const Layout& layout, int depth);

void append_array(std::string& out, const JsonArray& array, const Layout& layout, int depth) {
  out += '[';
  for (std::size_t i = 0; i < array.size(); ++i) {
    out += i == 0 ? "" : ",";
    layout.line(out, depth + 1);
    append(out, array[i], layout, depth + 1);
  }
  if (!array.empty()) {
    layout.line(out, depth);
  }
  out += ']';
}

void append_object(std::string& out, const JsonObject& object, const Layout& layout, int depth) {
  out += '{';
  bool first = true;
  for (const auto& [key, member] : object) {
    out += first ? "" : ",";
    first = false;
    layout.line(out, depth + 1);
    append_string(out, key);
    out += layout.colon();
    append(out, member, layout, depth + 1);
  }
  if (!object.empty()) {
    layout.line(out, depth);
  }
  out += '}';
}

void append(std::string& out, const Json& value, const Layout& layout, int depth) {
  if (const auto* text = value.string()) {
    append_string(out, *text);
  } else if (const auto* array = value.array()) {
    append_array(out, *array, layout, depth);
  } else if (const auto* object = value.object()) {
    append_object(out, *object, layout, depth);
  } else if (const auto flag = value.boolean()) {
    out += *flag ? "true" : "false";
  } else if (const auto whole = value.integer()) {
    out += fmt::format("{}", *whole);
  } else if (const auto number = value.number(); number && std::isfinite(*number)) {
    out += fmt::format("{}", *number + 0.0);  // -0.0 equals 0.0 and gives the same text
  } else {
    out += "null";
  }
}

}  // namespace

Json::Json(std::uint64_t value) {
  if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    value_ = static_cast<std::int64_t>(value);
  } else {
    value_ = static_cast<double>(value);
  }
}

std::optional<bool> Json::boolean() const {
  const auto* flag = std::get_if<bool>(&value_);
  return flag != nullptr ? std::optional(*flag) : std::nullopt;
}

std::optional<std::int64_t> Json::integer() const {
  if (const auto* whole = std::get_if<std::int64_t>(&value_)) {
    return *whole;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> Json::count() const {
  const auto whole = integer();
  return whole && *whole >= 0 ? std::optional(static_cast<std::uint64_t>(*whole)) : std::nullopt;
}

std::optional<double> Json::number() const {
  if (const auto* number = std::get_if<double>(&value_)) {
    return *number;
  }
  const auto whole = integer();
  return whole ? std::optional(static_cast<double>(*whole)) : std::nullopt;
}

const Json& Json::operator[](std::string_view key) const {
  static const Json null;
  if (const auto* members = object()) {
    if (const auto found = members->find(key); found != members->end()) {
      return found->second;
    }
  }
  return null;
}

std::string Json::text(std::string_view key, std::string_view otherwise) const {
  const auto* found = (*this)[key].string();
  return found != nullptr ? *found : std::string(otherwise);
}

std::string Json::dump(int indent) const {
  std::string out;
  append(out, *this, Layout(indent), 0);
  return out;
}

Result<Json> parse_json(std::string_view text, std::string_view what, JsonLimits limits) {
  if (text.size() > limits.bytes) {
    return fail(Errc::invalid, "{}: JSON of {} bytes; at most {} are read", what, text.size(), limits.bytes);
  }
  if (const auto number = oversized_integer(text)) {
    return fail(Errc::invalid, "{}: the integer {} does not fit 64 bits", what, number->substr(0, 40));
  }
  try {
    Poco::JSON::Parser parser;
    parser.setDepth(static_cast<std::size_t>(limits.depth) + 1);
    // Poco takes no lone number, string or null (RFC 8259, section 2 does), hence the array around it.
    const auto parsed = from_poco(parser.parse(fmt::format("[{}]", text)));
    if (parsed.array()->size() != 1) {
      return fail(Errc::invalid, "{}: not JSON: {} values where one belongs", what, parsed.array()->size());
    }
    return parsed.array()->front();
  } catch (const Poco::Exception& error) {
    return fail(Errc::invalid, "{}: not JSON: {}", what,
                printable(error.message().empty() ? error.name() : error.message()));
  } catch (const std::exception& error) {
    return fail(Errc::invalid, "{}: not JSON: {}", what, printable(error.what()));
  }
}

}  // namespace agent::io
