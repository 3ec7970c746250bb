// hearth gc: removes from a storage what no tag refers to any more.
#include <fmt/format.h>

#include <memory>

#include "agent/cli/command.hpp"
#include "agent/cli/storage_options.hpp"
#include "agent/core/text.hpp"
#include "agent/io/json.hpp"
#include "agent/publish/retention.hpp"

namespace agent::cli {

namespace {

struct Options {
  StorageOptions storage;
  std::string tag_bytes;
  std::string idle;
  bool dry_run = false;
};

Result<publish::RetentionOptions> parsed(const Options& options) {
  publish::RetentionOptions retention{.dry_run = options.dry_run};
  if (!options.tag_bytes.empty()) {
    AGENT_TRY(retention.tag_bytes, parse_size(options.tag_bytes, "--tag-size"));
  }
  if (!options.idle.empty()) {
    AGENT_TRY(const auto idle, parse_duration(options.idle, "--idle"));
    retention.idle = std::chrono::ceil<std::chrono::hours>(idle);
  }
  return retention;
}

io::Json json_of(const publish::RetentionFigures& figures, const Options& options) {
  io::Json next;
  if (figures.next) {
    next = utc_text(*figures.next);
  }
  return io::JsonObject{{"dry_run", options.dry_run},
                        {"tags", figures.tags},
                        {"packs", figures.packs},
                        {"manifests", figures.manifests},
                        {"bytes", figures.bytes},
                        {"removed_tags", figures.removed_tags},
                        {"trimmed_packs", figures.trimmed_packs},
                        {"removed_objects", figures.removed_objects},
                        {"removed_bytes", figures.removed_bytes},
                        {"removed_generations", figures.removed_generations},
                        {"unreadable_tags", figures.unreadable_tags},
                        {"waiting_objects", figures.waiting_objects},
                        {"waiting_bytes", figures.waiting_bytes},
                        {"next", std::move(next)}};
}

void print(const publish::RetentionFigures& figures, bool dry_run) {
  fmt::print("{} tags, {} packs, {}\n", human_count(figures.tags), human_count(figures.packs),
             human_size(figures.bytes));
  const auto* const would = dry_run ? "would be " : "";
  fmt::print("{}removed: {} packs and manifests, {}\n", would, human_count(figures.removed_objects),
             human_size(figures.removed_bytes));
  if (figures.removed_tags > 0) {
    fmt::print("{}emptied: {} idle tags\n", would, human_count(figures.removed_tags));
  }
  if (figures.trimmed_packs > 0) {
    fmt::print("{}taken out of tags beyond their size: {} packs\n", would,
               human_count(figures.trimmed_packs));
  }
  if (figures.removed_generations > 0) {
    fmt::print("{}removed: {} earlier generations of tags\n", would,
               human_count(figures.removed_generations));
  }
  if (figures.unreadable_tags > 0) {
    fmt::print("{} tags are of branches that cannot be read from here; nothing of theirs was touched\n",
               human_count(figures.unreadable_tags));
  }
  if (figures.next) {
    fmt::print("unreferenced, to be removed by a run after {}: {}, {}\n", utc_text(*figures.next),
               human_count(figures.waiting_objects), human_size(figures.waiting_bytes));
  }
}

Result<void> run_gc(const Options& options) {
  AGENT_TRY(const auto retention, parsed(options));
  AGENT_TRY(const auto opened, open_storage(options.storage));
  AGENT_TRY(const auto figures, publish::collect_garbage(*opened->storage, opened->clock, retention));
  if (options.storage.json) {
    fmt::print("{}\n", json_of(figures, options).dump(2));
  } else {
    print(figures, options.dry_run);
  }
  return {};
}

}  // namespace

Command add_gc(CLI::App& program) {
  auto* const command =
      program.add_subcommand("gc", "removes from a storage what no tag has referred to for a day");
  const auto options = std::make_shared<Options>();
  add_storage_options(*command, options->storage, Names::storage);
  command->add_option("--tag-size", options->tag_bytes,
                      "takes the packs least recently used out of larger tags");
  command->add_option("--idle", options->idle, "empties tags that nobody has published to for so long");
  command->add_flag("--dry-run", options->dry_run, "says what would be done and does nothing");
  command->footer(
      "The first run marks what is unreferenced; a run a day later removes it.\n"
      "Example:\n  hearth gc --backend disk:///var/cache/hearth --tag-size 20GiB --idle 336h");
  return {command, [options] {
            const auto done = run_gc(*options);
            return done ? k_ok : report_error(done.error());
          }};
}

}  // namespace agent::cli
