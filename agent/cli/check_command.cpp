// hearth check: whether every byte of a tag is what it was when it was stored.
#include <fmt/format.h>
#include <unistd.h>

#include <memory>

#include "agent/cli/command.hpp"
#include "agent/cli/storage_options.hpp"
#include "agent/io/json.hpp"
#include "agent/publish/catalog.hpp"
#include "agent/report/amounts.hpp"
#include "agent/report/plain.hpp"

namespace agent::cli {

namespace {

io::Json json_of(const publish::TagCheck& check) {
  io::JsonArray problems;
  for (const auto& problem : check.problems) {
    problems.emplace_back(problem);
  }
  return io::JsonObject{{"sound", check.sound()},
                        {"packs", check.packs},
                        {"objects", check.objects},
                        {"bytes", check.bytes},
                        {"missing_packs", check.missing_packs},
                        {"corrupt_packs", check.corrupt_packs},
                        {"corrupt_objects", check.corrupt_objects},
                        {"problems", std::move(problems)}};
}

void print(const publish::TagCheck& check) {
  for (const auto& problem : check.problems) {
    fmt::print("{}\n", report::log_text(problem));
  }
  fmt::print("{} in {}, {} compared: ", report::counted(check.objects, "object"),
             report::counted(check.packs, "pack"), report::size_text(check.bytes));
  if (check.sound()) {
    fmt::print("all right\n");
    return;
  }
  fmt::print(
      "{} missing, {} and {} corrupt.\nThey are misses, and what is compiled instead is "
      "published anew; nothing wrong is served.\n",
      report::counted(check.missing_packs, "pack"), report::counted(check.corrupt_packs, "pack"),
      report::counted(check.corrupt_objects, "object"));
}

Result<publish::TagCheck> check(const StorageOptions& options) {
  AGENT_TRY(const auto opened, open_storage(options));
  AGENT_TRY(const auto tag, publish::inspect_tag(*opened->storage, options.id()));
  if (!tag) {
    return std::unexpected(no_such_tag(options));
  }
  const bool show = ::isatty(STDERR_FILENO) == 1;
  auto checked = publish::check_tag(*opened->storage, tag->manifest, [&](const publish::TagCheck& so_far) {
    if (show) {
      fmt::print(stderr, "\r{} of {} packs, {}", so_far.packs, tag->manifest.packs.size(),
                 report::size_text(so_far.bytes));
    }
  });
  if (show) {
    fmt::print(stderr, "\r\033[K");
  }
  return checked;
}

int run_check(const StorageOptions& options) {
  const auto checked = check(options);
  if (!checked) {
    return report_error(checked.error());
  }
  if (options.json) {
    fmt::print("{}\n", json_of(*checked).dump(2));
  } else {
    print(*checked);
  }
  return checked->sound() ? k_ok : k_failure;
}

}  // namespace

Command add_check(CLI::App& program) {
  auto* const command =
      program.add_subcommand("check", "reads every byte of a tag and compares it with its digest");
  const auto options = std::make_shared<StorageOptions>();
  add_storage_options(*command, *options, Names::tag);
  command->footer(
      "Example:\n  hearth check --backend disk:///var/cache/hearth rust-1.95.0-sccache-linux-x86_64");
  return {command, [options] { return run_check(*options); }};
}

}  // namespace agent::cli
