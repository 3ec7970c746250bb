// Names of objects as tags and back. A tag is 1 to 512 of [A-Za-z0-9._-] without '.' or '-' at either end and
// without ".."; an object's name also has '/', and fewer rules. So '/' becomes "_s", '_' becomes "__", a '.'
// after a '.' becomes "_d", a '.' at the end "_d" and a '-' at the end "_h", after "hearth_". Pure functions;
// safe from any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/core/result.hpp"

namespace agent::backends {

// Errors: invalid (the tag would be longer than 512: no name that Hearth makes is).
Result<std::string> tag_of_object(std::string_view name);

// What the tags of all objects whose names begin with `prefix` begin with.
std::string tag_prefix_of(std::string_view prefix);

// Empty where the tag is none of ours.
std::optional<std::string> object_of_tag(std::string_view tag);

}  // namespace agent::backends
