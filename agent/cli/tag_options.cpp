#include "agent/cli/default_tag.hpp"

#include "agent/keys/root_tag.hpp"

namespace agent::cli {

Result<std::string> default_tag() {
  keys::RootTagInputs inputs;
  inputs.workspace = ".";
  inputs.ask_compiler = keys::RootTagInputs::AskCompiler::yes;
  AGENT_TRY(auto tag, keys::root_tag(inputs));
  return std::move(tag.tag);
}

}  // namespace agent::cli
