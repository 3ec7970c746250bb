#include "agent/cli/tag_options.hpp"

#include <vector>

#include "agent/cli/config_file.hpp"
#include "agent/core/log.hpp"
#include "agent/io/process.hpp"

namespace agent::cli {

void add_tag_options(CLI::App& command, TagOptions& options) {
  auto& inputs = options.inputs;
  command.add_option("--tag", inputs.tag, "the whole name, instead of its parts");
  command.add_option("--prefix", inputs.prefix, "first part, for instance rust");
  command.add_option("--toolchain", inputs.toolchain,
                     "version; default: rust-toolchain(.toml), then rustc -V");
  command.add_option("--os", inputs.os, "linux, macos, windows; default: this machine's");
  command.add_option("--arch", inputs.arch, "x86_64, aarch64; default: this machine's");
  command.add_option("--tag-scope", inputs.scope,
                     "what else sets this job apart, for instance a target triple");
  command.add_option("--matrix", inputs.matrix, "the job's matrix as JSON, ${{ toJSON(matrix) }}");
  command.add_flag("--run-scoped", options.run_scoped,
                   "adds run id and attempt: for isolated benchmarks only");
}

Result<keys::RootTag> root_tag_of(const TagOptions& options) {
  auto inputs = options.inputs;
  inputs.workspace = ".";
  inputs.ask_compiler = keys::RootTagInputs::AskCompiler::yes;
  inputs.kind =
      options.run_scoped ? keys::RootTagInputs::Kind::run_scoped : keys::RootTagInputs::Kind::stable;
  inputs.run = {.id = io::environment_value("GITHUB_RUN_ID"),
                .attempt = io::environment_value("GITHUB_RUN_ATTEMPT"),
                .sha = io::environment_value("GITHUB_SHA")};
  return keys::root_tag(inputs);
}

Result<std::string> default_tag() {
  TagOptions options;
  CLI::App tag;
  add_tag_options(tag, options);
  name_variables(tag);
  try {
    tag.parse(std::vector<std::string>{});
  } catch (const CLI::ParseError& error) {
    return fail(Errc::invalid, "the tag's parts: {}", error.what());
  }
  AGENT_CHECK(apply_config_file(tag));
  AGENT_TRY(auto made, root_tag_of(options));
  for (const auto& warning : made.warnings) {
    log::warn("{}", warning);
  }
  return std::move(made.tag);
}

}  // namespace agent::cli
