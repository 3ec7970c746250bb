// The "?name=value&…" of a storage's URL. Pure functions; safe from any thread.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "agent/core/result.hpp"

namespace agent::backends {

using UrlSettings = std::map<std::string, std::string, std::less<>>;

// Values percent-decoded. `what` is the kind of URL, for errors: "an s3 URL".
// Errors: invalid (a name that is not among `known`, or given twice; no usable value).
Result<UrlSettings> parse_url_settings(std::string_view query, std::span<const std::string_view> known,
                                       std::string_view what);

}  // namespace agent::backends
