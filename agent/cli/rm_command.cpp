// hearth rm: removes a tag, or single objects of one. Packs may be in use by other tags: `hearth gc` removes
// what nothing refers to.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "agent/cli/command.hpp"
#include "agent/cli/storage_options.hpp"
#include "agent/io/json.hpp"
#include "agent/publish/catalog.hpp"

namespace agent::cli {

namespace {

struct Options {
  StorageOptions storage;
  std::vector<std::string> names;  // one tag; with --tag, keys of objects
};

Result<void> remove_tag(StorageOptions options, const std::string& tag) {
  options.tag = tag;
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

io::Json json_of(const std::vector<std::string>& keys) {
  io::JsonArray array;
  for (const auto& key : keys) {
    array.emplace_back(key);
  }
  return array;
}

Result<void> remove_objects(const StorageOptions& options, const std::vector<std::string>& keys) {
  AGENT_TRY(const auto opened, open_storage(options));
  const auto done = publish::remove_objects(*opened->storage, opened->clock, options.id(), keys);
  if (!done && done.error().code == Errc::not_found) {
    return std::unexpected(no_such_tag(options));
  }
  AGENT_CHECK(done);
  if (options.json) {
    fmt::print("{}\n", io::Json(io::JsonObject{{"tag", options.tag},
                                               {"removed", json_of(done->removed)},
                                               {"absent", json_of(done->absent)}})
                           .dump(2));
  }
  for (const auto& key : options.json ? std::vector<std::string>() : done->removed) {
    fmt::print("removed {} from tag {} of {} in {}\n", key, options.tag, options.repository, options.scope);
  }
  if (!done->absent.empty()) {
    return fail(Errc::not_found, "tag {} of {} in {} has no {}{}; `hearth inspect --objects` lists its keys",
                options.tag, options.repository, options.scope, done->absent.front(),
                done->absent.size() > 1 ? fmt::format(" and {} others", done->absent.size() - 1) : "");
  }
  return {};
}

// Keys have a slash and tags have none, and the tag may also stand in .hearth.yml: nobody who mistakes one
// for the other shall lose a tag.
Result<void> remove(const Options& options) {
  const auto& tag = options.storage.tag;
  const auto keys =
      std::ranges::count_if(options.names, [](const std::string& name) { return name.contains('/'); });
  if (keys == std::ssize(options.names)) {
    return tag.empty() ? fail(Errc::invalid, "whose objects? hearth rm --tag TAG KEY...")
                       : remove_objects(options.storage, options.names);
  }
  const auto& name = options.names.front();
  if (options.names.size() != 1 || (!tag.empty() && tag != name)) {
    return fail(
        Errc::invalid,
        "'{}' is no key of an object, such as sccache/a/b/c/abc0123; to remove a tag name it alone, or "
        "name the one of --tag, HEARTH_TAG or .hearth.yml",
        name);
  }
  return remove_tag(options.storage, name);
}

}  // namespace

Command add_rm(CLI::App& program) {
  auto* const command =
      program.add_subcommand("rm", "removes a tag, so that its next build is cold, or objects of a tag");
  const auto options = std::make_shared<Options>();
  add_storage_options(*command, options->storage, Names::storage);
  add_scope_options(*command, options->storage);
  command->add_option("--tag", options->storage.tag, "whose objects are removed");
  command->add_option("NAMES", options->names, "one tag, or keys of objects of --tag")->required();
  command->footer(
      "A running agent sees it within a minute.\n"
      "Example:\n  hearth rm --backend disk:///var/cache/hearth rust-1.95.0-sccache-linux-x86_64\n"
      "  hearth rm --tag rust-1.95.0-sccache-linux-x86_64 sccache/a/b/c/abc0123");
  return {command, [options] {
            const auto done = remove(*options);
            return done ? k_ok : report_error(done.error());
          }};
}

}  // namespace agent::cli
