#include "agent/cli/storage_options.hpp"

#include "agent/cli/agent_options.hpp"
#include "agent/core/text.hpp"

namespace agent::cli {

void add_storage_options(CLI::App& command, StorageOptions& options, Names names) {
  options.backend = default_backend();
  command.add_option("--backend", options.backend, "where the tags live, as for `hearth agent`")
      ->capture_default_str();
  command.add_flag("--json", options.json, "for scripts");
  if (names == Names::tag) {
    command.add_option("TAG", options.tag, "the tag, as `hearth ls` shows it")->required();
    add_scope_options(command, options);
  }
}

void add_scope_options(CLI::App& command, StorageOptions& options) {
  command.add_option("--repository", options.repository, "whose tag it is, owner/name")
      ->capture_default_str();
  command.add_option("--scope", options.scope, "branch or pull request, for instance refs/heads/main")
      ->capture_default_str();
}

Result<std::unique_ptr<OpenStorage>> open_storage(const StorageOptions& options) {
  auto opened = std::make_unique<OpenStorage>();
  // A folder that somebody named and that is not there is mistyped; the one that nobody named is there after
  // the first run.
  const bool named = options.backend != default_backend();
  if (!named) {
    AGENT_CHECK(check_default_folder());
  }
  AGENT_TRY(opened->storage,
            backends::open_storage(options.backend,
                                   {.clock = opened->clock,
                                    .registry = opened->registry,
                                    .absent = named ? backends::Absent::refused : backends::Absent::empty}));
  return opened;
}

Error no_such_tag(const StorageOptions& options) {
  return {.code = Errc::not_found,
          .message =
              fmt::format("no tag {} of {} in scope {} in {}; `hearth ls --backend {}` shows what there is",
                          options.tag, options.repository, options.scope, options.backend, options.backend),
          .retry_after = {}};
}

std::string time_of(std::uint64_t milliseconds_since_1970) {
  return utc_text(Wall(std::chrono::milliseconds(milliseconds_since_1970)));
}

}  // namespace agent::cli
