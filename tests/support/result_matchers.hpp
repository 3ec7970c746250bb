// Matchers for Result: a test names the error it expects.
#pragma once

#include <gmock/gmock.h>

#include <ostream>

#include "agent/core/result.hpp"

namespace agent {

inline void PrintTo(const Error& error, std::ostream* out) {
  *out << name_of(error.code) << ": " << error.message;
}

}  // namespace agent

namespace agent::tests {

MATCHER(Succeeds, negation ? "fails" : "succeeds") {
  if (!arg.has_value()) {
    *result_listener << name_of(arg.error().code) << ": " << arg.error().message;
  }
  return arg.has_value();
}

MATCHER_P(FailsWith, code, std::string("fails with ") + std::string(name_of(code))) {
  if (arg.has_value()) {
    *result_listener << "succeeded";
    return false;
  }
  *result_listener << name_of(arg.error().code) << ": " << arg.error().message;
  return arg.error().code == code;
}

// The error's text contains `part`.
MATCHER_P(FailsSaying, part, std::string("fails saying '") + part + "'") {
  if (arg.has_value()) {
    *result_listener << "succeeded";
    return false;
  }
  *result_listener << arg.error().message;
  return arg.error().message.contains(part);
}

}  // namespace agent::tests
