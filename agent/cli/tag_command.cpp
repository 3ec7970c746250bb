#include <fmt/format.h>

#include <memory>

#include "agent/cli/command.hpp"
#include "agent/io/process.hpp"
#include "agent/keys/root_tag.hpp"

namespace agent::cli {

namespace {

struct Options {
  keys::RootTagInputs inputs;
  bool run_scoped = false;
  bool explain = false;
  bool json = false;
};

void print_explanation(const keys::RootTag& tag) {
  for (const auto& part : tag.parts) {
    fmt::print("  {:<10} {:<28} {}\n", part.name, part.value, part.source);
  }
}

int run_tag(Options& options) {
  auto& inputs = options.inputs;
  inputs.workspace = ".";
  inputs.ask_compiler = keys::RootTagInputs::AskCompiler::yes;
  inputs.kind =
      options.run_scoped ? keys::RootTagInputs::Kind::run_scoped : keys::RootTagInputs::Kind::stable;
  inputs.run = {.id = io::environment_value("GITHUB_RUN_ID"),
                .attempt = io::environment_value("GITHUB_RUN_ATTEMPT"),
                .sha = io::environment_value("GITHUB_SHA")};
  const auto tag = keys::root_tag(inputs);
  if (!tag) {
    return report_error(tag.error());
  }
  if (options.json) {
    fmt::print("{}\n", keys::to_json(*tag).dump(2));
    return k_ok;
  }
  fmt::print("{}\n", tag->tag);
  if (options.explain) {
    print_explanation(*tag);
  }
  for (const auto& warning : tag->warnings) {
    fmt::print(stderr, "hearth: warning: {}\n", warning);
  }
  return k_ok;
}

}  // namespace

Command add_tag(CLI::App& program) {
  auto* const command =
      program.add_subcommand("tag", "the root tag of a job, and where each part comes from");
  const auto options = std::make_shared<Options>();
  auto& inputs = options->inputs;
  command->add_option("--prefix", inputs.prefix, "first part, for instance rust");
  command->add_option("--toolchain", inputs.toolchain,
                      "version; default: rust-toolchain(.toml), then rustc -V");
  command->add_option("--os", inputs.os, "linux, macos, windows; default: this machine's");
  command->add_option("--arch", inputs.arch, "x86_64, aarch64; default: this machine's");
  command->add_option("--scope", inputs.scope, "what else sets this job apart, for instance a target triple");
  command->add_option("--matrix", inputs.matrix, "the job's matrix as JSON, ${{ toJSON(matrix) }}");
  command->add_flag("--run-scoped", options->run_scoped,
                    "adds run id and attempt: for isolated benchmarks only");
  command->add_flag("--explain", options->explain, "also prints every part and where it comes from");
  command->add_flag("--json", options->json, "{tag, parts, warnings}");
  command->footer("Example:\n  hearth tag --prefix rust --toolchain 1.95.0 --os linux --arch x86_64");
  return {command, [options] { return run_tag(*options); }};
}

}  // namespace agent::cli
