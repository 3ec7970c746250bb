#include <fmt/format.h>

#include <memory>

#include "agent/cli/command.hpp"
#include "agent/cli/tag_options.hpp"
#include "agent/report/plain.hpp"

namespace agent::cli {

namespace {

struct Options {
  TagOptions tag;
  bool explain = false;
  bool json = false;
};

void print_explanation(const keys::RootTag& tag) {
  for (const auto& part : tag.parts) {
    fmt::print("  {:<10} {:<28} {}\n", report::log_text(part.name), report::log_text(part.value),
               report::log_text(part.source));
  }
}

int run_tag(const Options& options) {
  const auto tag = root_tag_of(options.tag);
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
    fmt::print(stderr, "hearth: warning: {}\n", report::log_text(warning));
  }
  for (const auto& remark : tag->remarks) {
    fmt::print(stderr, "hearth: {}\n", report::log_text(remark));
  }
  return k_ok;
}

}  // namespace

Command add_tag(CLI::App& program) {
  auto* const command =
      program.add_subcommand("tag", "the root tag of a job, and where each part comes from");
  const auto options = std::make_shared<Options>();
  add_tag_options(*command, options->tag);
  command->add_flag("--explain", options->explain, "also prints every part and where it comes from");
  command->add_flag("--json", options->json, "{tag, parts, warnings, remarks}");
  command->footer("Example:\n  hearth tag --prefix rust --toolchain 1.95.0 --os linux --arch x86_64");
  return {command, [options] { return run_tag(*options); }};
}

}  // namespace agent::cli
