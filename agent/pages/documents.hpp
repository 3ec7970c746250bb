// The documents as built from agent/pages by cmake/Pages.cmake.
#pragma once

#include <string_view>

namespace agent::pages {

extern const std::string_view k_live_html;
extern const std::string_view k_server_html;

}  // namespace agent::pages
