// hearth ls: the tags of a storage.
#include <fmt/format.h>

#include <memory>

#include "agent/cli/command.hpp"
#include "agent/cli/storage_options.hpp"
#include "agent/core/text.hpp"
#include "agent/io/json.hpp"
#include "agent/publish/catalog.hpp"
#include "agent/report/amounts.hpp"
#include "agent/report/plain.hpp"

namespace agent::cli {

namespace {

struct Options {
  StorageOptions storage;
  publish::TagFilter filter;
};

io::Json json_of(const publish::TagListing& listing) {
  io::JsonArray tags;
  for (const auto& tag : listing.tags) {
    tags.emplace_back(io::JsonObject{{"repository", tag.id.repository},
                                     {"scope", tag.id.scope},
                                     {"tag", tag.id.tag},
                                     {"generation", tag.manifest.generation},
                                     {"packs", tag.manifest.packs.size()},
                                     {"objects", tag.objects},
                                     {"bytes", tag.bytes},
                                     {"changed", time_of(tag.manifest.created_ms)}});
  }
  io::JsonArray unreadable;
  for (const auto& text : listing.unreadable) {
    unreadable.emplace_back(text);
  }
  return io::JsonObject{{"tags", std::move(tags)}, {"unreadable", std::move(unreadable)}};
}

void print(const publish::TagListing& listing) {
  std::string group;
  for (const auto& tag : listing.tags) {
    if (auto name = fmt::format("{} {}", tag.id.repository, tag.id.scope); name != group) {
      fmt::print("{}\n", report::log_text(name));
      group = std::move(name);
    }
    fmt::print("  {:<50} generation {:>4}  {:>15}  {:>10} in {:<9}  {}\n", report::log_text(tag.id.tag),
               tag.manifest.generation, report::counted(tag.objects, "object"), report::size_text(tag.bytes),
               report::counted(tag.manifest.packs.size(), "pack"), time_of(tag.manifest.created_ms));
  }
  if (listing.tags.empty() && listing.unreadable.empty()) {
    fmt::print("no tags\n");
  }
}

int run_ls(const Options& options) {
  const auto opened = open_storage(options.storage);
  if (!opened) {
    return report_error(opened.error());
  }
  const auto listing = publish::list_tags(*(*opened)->storage, options.filter);
  if (!listing) {
    return report_error(listing.error());
  }
  if (options.storage.json) {
    fmt::print("{}\n", json_of(*listing).dump(2));
  } else {
    print(*listing);
  }
  for (const auto& text : listing->unreadable) {
    fmt::print(stderr, "hearth: warning: {}\n", report::log_text(text));
  }
  return listing->unreadable.empty() ? k_ok : k_failure;
}

}  // namespace

Command add_ls(CLI::App& program) {
  auto* const command = program.add_subcommand("ls", "the tags of a storage");
  const auto options = std::make_shared<Options>();
  add_storage_options(*command, options->storage, Names::storage);
  command->add_option("--repository", options->filter.repository, "only of this repository, owner/name");
  command->add_option("--scope", options->filter.scope, "only of this branch or pull request");
  command->add_option("PREFIX", options->filter.tag_prefix, "only tags that begin so");
  command->footer("Example:\n  hearth ls --backend disk:///var/cache/hearth rust-");
  return {command, [options] { return run_ls(*options); }};
}

}  // namespace agent::cli
