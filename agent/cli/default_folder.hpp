// Where things are kept when nobody says where: one folder of the user for all his projects.
#pragma once

#include <string>

#include "agent/core/result.hpp"
#include "agent/io/file.hpp"

namespace agent::cli {

// $XDG_CACHE_HOME/hearth, else ~/.cache/hearth, else /tmp/hearth-<user>.
io::fs::path default_folder();

// The values of --store and --backend that lie there.
std::string default_store();
std::string default_backend();

// Creates the folder and what is missing above it, for the owner of what was there before (root may work in
// somebody's home). Errors: denied, full, io; those of check_default_folder.
Result<void> create_default_folder();

// Anybody may have made a folder of this name in /tmp, and with it what a build takes for its own objects:
// only one of this user alone will do. Elsewhere, and where there is none, all is well. Errors: denied.
Result<void> check_default_folder();

}  // namespace agent::cli
