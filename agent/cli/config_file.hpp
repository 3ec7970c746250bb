// What options are where the command line leaves them out: HEARTH_* variables, then .hearth.yml
// (docs/configuration.md).
//   tag: my-tag
//   backend: disk:///srv/hearth
// Keys are the long names of options. A key that no command knows is an error with line and column, and so is
// a size, a duration or a mode that is none; of a variable it names the variable.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <string_view>

#include "agent/core/result.hpp"

namespace agent::cli {

struct ConfigEntry {
  std::string value;
  int line = 0;
  int column = 0;
};

// Errors: invalid, with line and column: no mapping, a value that is no scalar, a key given twice, over 1
// MiB.
Result<std::map<std::string, ConfigEntry>> parse_config(std::string_view text, std::string_view name);

// Lets each option be set as HEARTH_<NAME> too; the command line wins.
void name_variables(CLI::App& command);

// Fills the options of `command` that neither a flag nor a variable has set, from .hearth.yml in the current
// folder, and looks at what variables have set. Errors: invalid, naming the place or the variable; io, denied
// where the file cannot be read. Without it nothing is filled.
Result<void> apply_config_file(CLI::App& command);

}  // namespace agent::cli
