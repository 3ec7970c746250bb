// hearth inspect: one tag: its generation, its packs and who wrote them, and on demand every object.
#include <fmt/format.h>

#include <memory>

#include "agent/cli/command.hpp"
#include "agent/cli/storage_options.hpp"
#include "agent/io/json.hpp"
#include "agent/publish/catalog.hpp"
#include "agent/publish/pack_cache.hpp"
#include "agent/report/amounts.hpp"
#include "agent/report/plain.hpp"

namespace agent::cli {

namespace {

struct Options {
  StorageOptions storage;
  bool objects = false;
};

Result<io::Json> json_of(backends::ObjectStorage& storage, const publish::TagInfo& tag, bool with_objects) {
  publish::PackCache cache;
  io::JsonArray packs;
  for (const auto& record : tag.manifest.packs) {
    io::JsonObject pack{{"pack", record.digest.hex()},     {"bytes", record.size_bytes},
                        {"live_bytes", record.live_bytes}, {"objects", record.objects},
                        {"generation", record.generation}, {"created", time_of(record.created_ms)},
                        {"producer", record.producer}};
    if (with_objects) {
      AGENT_TRY(const auto loaded, cache.load(storage, record));
      io::JsonArray keys;
      loaded->index.each([&](const store::PackEntry& entry) {
        keys.emplace_back(io::JsonObject{
            {"key", entry.key}, {"bytes", entry.size}, {"digest", "sha256:" + entry.digest.hex()}});
      });
      pack.emplace("entries", std::move(keys));
    }
    packs.emplace_back(std::move(pack));
  }
  io::JsonArray removed;
  for (const auto& one : tag.manifest.removed) {
    removed.emplace_back(io::JsonObject{
        {"key", one.key}, {"generation", one.generation}, {"removed", time_of(one.removed_ms)}});
  }
  return io::Json(io::JsonObject{{"repository", tag.id.repository},
                                 {"scope", tag.id.scope},
                                 {"tag", tag.id.tag},
                                 {"generation", tag.manifest.generation},
                                 {"changed", time_of(tag.manifest.created_ms)},
                                 {"objects", tag.objects},
                                 {"bytes", tag.bytes},
                                 {"removed", std::move(removed)},
                                 {"packs", std::move(packs)}});
}

Result<void> print(backends::ObjectStorage& storage, const publish::TagInfo& tag, bool with_objects) {
  publish::PackCache cache;
  fmt::print("{} of {} in {}\n", report::log_text(tag.id.tag), report::log_text(tag.id.repository),
             report::log_text(tag.id.scope));
  fmt::print("generation {} of {}: {}, {} in {}\n", tag.manifest.generation, time_of(tag.manifest.created_ms),
             report::counted(tag.objects, "object"), report::size_text(tag.bytes),
             report::counted(tag.manifest.packs.size(), "pack"));
  for (const auto& one : tag.manifest.removed) {
    fmt::print("removed {}: {}\n", time_of(one.removed_ms), report::log_text(one.key));
  }
  for (const auto& record : tag.manifest.packs) {
    fmt::print("\npack {}\n  {}, {}; generation {}, {}\n  by {}\n", record.digest.hex(), record.objects,
               report::size_text(record.size_bytes), record.generation, time_of(record.created_ms),
               report::log_text(record.producer));
    if (with_objects) {
      AGENT_TRY(const auto loaded, cache.load(storage, record));
      loaded->index.each([](const store::PackEntry& entry) {
        fmt::print("  {:>10}  {}  {}\n", entry.size, entry.digest.hex().substr(0, 16),
                   report::log_text(entry.key));
      });
    }
  }
  return {};
}

Result<void> inspect(const Options& options) {
  AGENT_TRY(const auto opened, open_storage(options.storage));
  AGENT_TRY(const auto tag, publish::inspect_tag(*opened->storage, options.storage.id()));
  if (!tag) {
    return std::unexpected(no_such_tag(options.storage));
  }
  if (!options.storage.json) {
    return print(*opened->storage, *tag, options.objects);
  }
  AGENT_TRY(const auto json, json_of(*opened->storage, *tag, options.objects));
  fmt::print("{}\n", json.dump(2));
  return {};
}

}  // namespace

Command add_inspect(CLI::App& program) {
  auto* const command =
      program.add_subcommand("inspect", "one tag: its packs, who wrote them, and on demand its objects");
  const auto options = std::make_shared<Options>();
  add_storage_options(*command, options->storage, Names::tag);
  command->add_flag("--objects", options->objects, "every object with key, size and digest");
  command->footer(
      "Example:\n  hearth inspect --repository owner/name --scope refs/heads/main "
      "rust-1.95.0-sccache-linux-x86_64");
  return {command, [options] {
            const auto done = inspect(*options);
            return done ? k_ok : report_error(done.error());
          }};
}

}  // namespace agent::cli
