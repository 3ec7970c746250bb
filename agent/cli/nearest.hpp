// What somebody who typed a word that is none may have meant.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace agent::cli {

// The candidate with the fewest letters to change, add or drop; empty where none is near.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace agent::cli
