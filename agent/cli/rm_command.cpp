// hearth rm: removes a tag. Its packs may be in use by other tags: `hearth gc` removes what nothing refers
// to.
#include <fmt/format.h>

#include <memory>

#include "agent/cli/command.hpp"
#include "agent/cli/storage_options.hpp"
#include "agent/io/json.hpp"
#include "agent/publish/catalog.hpp"

namespace agent::cli {

namespace {

Result<void> remove(const StorageOptions& options) {
  AGENT_TRY(const auto opened, open_storage(options));
  AGENT_TRY(const auto removed, publish::remove_tag(*opened->storage, options.id()));
  if (!removed) {
    return std::unexpected(no_such_tag(options));
  }
  if (options.json) {
    fmt::print("{}\n", io::Json(io::JsonObject{{"removed", options.tag}}).dump(2));
  } else {
    fmt::print("removed tag {} of {} in {}; the next build of it is cold\n", options.tag, options.repository,
               options.scope);
  }
  return {};
}

}  // namespace

Command add_rm(CLI::App& program) {
  auto* const command = program.add_subcommand("rm", "removes a tag: the next build of it is cold");
  const auto options = std::make_shared<StorageOptions>();
  add_storage_options(*command, *options, Names::tag);
  command->footer(
      "Example:\n  hearth rm --backend disk:///var/cache/hearth rust-1.95.0-sccache-linux-x86_64");
  return {command, [options] {
            const auto done = remove(*options);
            return done ? k_ok : report_error(done.error());
          }};
}

}  // namespace agent::cli
