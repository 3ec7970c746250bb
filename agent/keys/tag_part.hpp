// The pieces of a root tag: text made fit for a tag, platform names, a matrix as slug and hash.
// Pure functions; safe from any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "agent/core/result.hpp"

namespace agent::keys {

// `text` in the characters [A-Za-z0-9._-], at most `limit` of them (12 or more). Text that had other
// characters, or is too long, keeps its difference: "-" and 10 hex digits of the SHA-256 of the original
// stand at the end. Never empty for text that is not.
std::string fit_for_tag(std::string_view text, std::size_t limit);

// "linux", "macos", "windows" for every name that runners, compilers and uname(1) have for them; anything
// else in lower case.
std::string platform_os(std::string_view name);

// "x86_64", "aarch64", "x86", "arm" for every usual name; anything else in lower case.
std::string platform_arch(std::string_view name);

// The first 16 hex digits of the SHA-256 of `text`.
std::string hash16(std::string_view text);

struct MatrixPart {
  std::string slug;       // readable, at most 24 characters of a tag; "matrix" where nothing is readable
  std::string hash;       // 16 hex digits over the canonical JSON
  std::string canonical;  // keys sorted, no blanks
  bool empty() const { return canonical.empty(); }
};

// `${{ toJSON(matrix) }}`. Empty text, `null` and `{}` are no matrix. Errors: invalid, naming the input:
// text that is no JSON object, is over 64 KiB, or holds what JSON cannot carry without loss.
Result<MatrixPart> matrix_part(std::string_view json);

}  // namespace agent::keys
