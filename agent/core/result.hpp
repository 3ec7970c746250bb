// Errors as values. Fallible functions return Result<T>; a miss is not an error but an empty optional.
// Values: copyable, no thread affinity.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace agent {

// What went wrong, as far as a caller acts on it. Retryability follows from the code, never from the text.
enum class Errc : std::uint8_t {
  invalid,      // bad input: configuration, arguments, outside bytes that do not parse
  not_found,    // the named thing does not exist, where its absence is a failure
  conflict,     // somebody else moved first (409, 412, 423): read again, then retry
  transient,    // may work later (429, 5xx, network); retry_after may say when
  denied,       // credentials or permissions; retrying cannot help
  corrupt,      // bytes do not match their digest, checksum or format
  full,         // no space: disk, quota or reservation
  unsupported,  // a version or feature this program does not know
  cancelled,    // a stop was requested or a deadline passed
  io,           // the operating system failed a call
};

std::string_view name_of(Errc code);

struct Error {
  Errc code = Errc::io;
  std::string message;                                     // names the operation and the thing
  std::optional<std::chrono::milliseconds> retry_after{};  // only with transient
};

template <typename T>
using Result = std::expected<T, Error>;

template <typename... Args>
[[nodiscard]] std::unexpected<Error> fail(Errc code, fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(
      Error{.code = code, .message = fmt::format(format, std::forward<Args>(args)...), .retry_after = {}});
}

// An io error that quotes errno's text; ENOSPC and EDQUOT become `full`, EACCES, EPERM and EROFS `denied`.
[[nodiscard]] std::unexpected<Error> fail_errno(std::string_view operation, std::string_view thing,
                                                int error);

// The same error with what was being done put in front: "open store: ...".
[[nodiscard]] std::unexpected<Error> with_context(std::string_view context, Error error);

}  // namespace agent

#define AGENT_CONCAT_INNER(a, b) a##b
#define AGENT_CONCAT(a, b) AGENT_CONCAT_INNER(a, b)
#define AGENT_TRY_AS(tmp, var, ...)                 \
  auto tmp = (__VA_ARGS__);                         \
  if (!tmp) {                                       \
    return std::unexpected(std::move(tmp).error()); \
  }                                                 \
  var = *std::move(tmp)

// AGENT_TRY(auto value, fallible()); returns the error from the enclosing function, or binds the value.
#define AGENT_TRY(var, ...) AGENT_TRY_AS(AGENT_CONCAT(agent_try_, __LINE__), var, __VA_ARGS__)

// AGENT_CHECK(fallible()); returns the error from the enclosing function; the value is dropped.
#define AGENT_CHECK(...)                                        \
  do {                                                          \
    if (auto agent_checked = (__VA_ARGS__); !agent_checked) {   \
      return std::unexpected(std::move(agent_checked).error()); \
    }                                                           \
  } while (false)
