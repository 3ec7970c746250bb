// What a root tag is made of here: flags, HEARTH_* variables and .hearth.yml say it alike, whether `hearth
// tag` prints the tag or `hearth run` uses it.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "agent/core/result.hpp"
#include "agent/keys/root_tag.hpp"

namespace agent::cli {

struct TagOptions {
  keys::RootTagInputs inputs;
  bool run_scoped = false;
};

// `options` must outlive the command.
void add_tag_options(CLI::App& command, TagOptions& options);

// The tag of the current folder. Errors: those of keys::root_tag.
Result<keys::RootTag> root_tag_of(const TagOptions& options);

// What `hearth tag` prints here without any flag, for commands without --tag. What the tag should not hold is
// a warning in the log. Errors: invalid, naming variable, line or part.
Result<std::string> default_tag();

}  // namespace agent::cli
