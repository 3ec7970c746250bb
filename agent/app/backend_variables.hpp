// What opens a backend, on its way to an agent that runs elsewhere: the variables that its storage reads, in
// a file that is read once and removed, so that no secret is in an environment or an argument. Free
// functions; safe from any thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/backends/object_storage.hpp"
#include "agent/core/result.hpp"
#include "agent/core/secret.hpp"
#include "agent/io/file.hpp"

namespace agent::app {

using SecretVariables = std::vector<std::pair<std::string, Secret>>;

// The names that a storage with this URL reads; none for disk:// and "none".
std::vector<std::string_view> backend_variables(std::string_view url);

// Those of them that name a file, which an agent in another container does not see.
std::vector<std::string> files_among(const SecretVariables& variables);

// {"NAME":"value",…}
std::string encode_variables(const SecretVariables& variables);

// Errors: invalid (no JSON object of texts, or over 64 KiB).
Result<SecretVariables> parse_variables(std::string_view text);

// Reads the file, removes it, and answers from it first, then from this process's environment.
// Errors: invalid, not_found, io.
Result<backends::Variables> take_variables(const io::fs::path& file);

// Answers from these only.
backends::Variables only_these(SecretVariables variables);

}  // namespace agent::app
