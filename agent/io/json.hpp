// JSON as a value. Objects keep their keys sorted, so that dumping is canonical: equal values give equal
// text. Value type. Parsing (Poco) is bounded in size and depth; it accepts RFC 8259 text and nothing more.
// Of members with one name the last counts; numbers that fit neither 64 bits nor a double are refused, not
// rounded.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/core/result.hpp"

namespace agent::io {

class Json;
using JsonArray = std::vector<Json>;
using JsonObject = std::map<std::string, Json, std::less<>>;

struct JsonLimits {
  std::size_t bytes = std::size_t{16} * 1024 * 1024;
  int depth = 64;
};

class Json final {
public:
  Json() = default;                                                   // null
  Json(std::nullptr_t) {}                                             // NOLINT(google-explicit-constructor)
  Json(bool value) : value_(value) {}                                 // NOLINT(google-explicit-constructor)
  Json(int value) : value_(static_cast<std::int64_t>(value)) {}       // NOLINT(google-explicit-constructor)
  Json(unsigned value) : value_(static_cast<std::int64_t>(value)) {}  // NOLINT(google-explicit-constructor)
  Json(std::int64_t value) : value_(value) {}                         // NOLINT(google-explicit-constructor)
  Json(std::uint64_t value);                                          // NOLINT(google-explicit-constructor)
  Json(double value) : value_(value) {}                               // NOLINT(google-explicit-constructor)
  Json(const char* value) : value_(std::string(value)) {}             // NOLINT(google-explicit-constructor)
  Json(std::string_view value) : value_(std::string(value)) {}        // NOLINT(google-explicit-constructor)
  Json(std::string value) : value_(std::move(value)) {}               // NOLINT(google-explicit-constructor)
  Json(JsonArray value) : value_(std::move(value)) {}                 // NOLINT(google-explicit-constructor)
  Json(JsonObject value) : value_(std::move(value)) {}                // NOLINT(google-explicit-constructor)

  // An absent optional is null: what was not measured is null, never 0.
  template <typename T>
  Json(const std::optional<T>& value) {  // NOLINT(google-explicit-constructor)
    if (value) {
      *this = Json(*value);
    }
  }

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_object() const { return std::holds_alternative<JsonObject>(value_); }
  bool is_array() const { return std::holds_alternative<JsonArray>(value_); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }

  // Typed views; empty where the value is of another type. Numbers convert where nothing is lost.
  std::optional<bool> boolean() const;
  std::optional<std::int64_t> integer() const;
  std::optional<std::uint64_t> count() const;  // an integer that is not negative
  std::optional<double> number() const;
  const std::string* string() const { return std::get_if<std::string>(&value_); }
  const JsonArray* array() const { return std::get_if<JsonArray>(&value_); }
  const JsonObject* object() const { return std::get_if<JsonObject>(&value_); }

  // A member of an object; null where this is no object or has no such key.
  const Json& operator[](std::string_view key) const;

  // A string member, or `otherwise`.
  std::string text(std::string_view key, std::string_view otherwise = {}) const;

  // Compact, keys sorted; invalid UTF-8 is replaced by U+FFFD. `indent` > 0 spreads it over lines.
  std::string dump(int indent = 0) const;

  bool operator==(const Json&) const = default;

private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, JsonArray, JsonObject> value_;
};

// Errors: invalid, naming `what` and the reason.
Result<Json> parse_json(std::string_view text, std::string_view what, JsonLimits limits = {});

}  // namespace agent::io
