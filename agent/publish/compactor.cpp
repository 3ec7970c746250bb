#include "agent/publish/compactor.hpp"

#include <algorithm>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "agent/core/log.hpp"
#include "agent/io/checksum.hpp"
#include "agent/publish/live_objects.hpp"

namespace agent::publish {

namespace {

constexpr unsigned k_most_conflicts = 4;
// A pack that cannot be found may be so new that not every reader of the storage sees it.
constexpr std::chrono::hours k_gone_for_good{1};

std::string producer_of(const Manifest& manifest, const std::vector<Digest>& packs, std::string_view own) {
  const auto& first = manifest.find(packs.front())->producer;
  const bool all_same =
      std::ranges::all_of(packs, [&](const Digest& pack) { return manifest.find(pack)->producer == first; });
  return all_same ? first : fmt::format("compaction by {}", own);
}

// Removes the file at the end, whatever happened.
class TemporaryFile final {
public:
  explicit TemporaryFile(io::fs::path path) : path_(std::move(path)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    std::error_code ignored;
    io::fs::remove(path_, ignored);
  }
  const io::fs::path& path() const { return path_; }

private:
  io::fs::path path_;
};

}  // namespace

Compactor::Compactor(CompactorOptions options, CompactorServices services)
    : options_(std::move(options)), services_(std::move(services)) {
  std::error_code ignored;
  io::fs::remove_all(options_.folder, ignored);  // what a killed agent was building
}

Result<void> Compactor::check_go_on() const {
  if (!services_.go_on()) {
    return fail(Errc::cancelled, "compact {}: put off", options_.tag.tag);
  }
  return {};
}

Result<Compacted> Compactor::run(std::uint64_t allowance_bytes) {
  AGENT_CHECK(check_go_on());
  AGENT_TRY(auto head, read_head(services_.storage, options_.tag));
  const bool first_look = !std::exchange(looked_, true) && head.manifest.packs.size() > 1;
  if (!first_look && !may_be_worth_compacting(head.manifest, options_.limits)) {
    return Compacted{};
  }
  AGENT_TRY(auto found, survey(head.manifest));
  const auto plan = plan_compaction(std::move(found.shares), options_.limits, allowance_bytes);
  if (plan.empty()) {
    return Compacted{};
  }
  AGENT_TRY(const auto made, make(found.table, plan, head));
  auto replaced = plan.drop;
  replaced.insert(replaced.end(), plan.merge.begin(), plan.merge.end());
  AGENT_CHECK(check_go_on());
  AGENT_CHECK(swap(std::move(head), made, replaced));
  log::info("publish: compacted tag={} packs={} into_bytes={}", options_.tag.tag, replaced.size(),
            made ? made->size_bytes : 0);
  return Compacted{.packs = replaced.size(), .uploaded_bytes = made ? made->size_bytes : 0};
}

// What of each pack counts. Packs that cannot be read now are left out, and so left alone.
Result<Compactor::Survey> Compactor::survey(const Manifest& manifest) const {
  Survey found;
  std::vector<ScopedPack> loaded;
  std::unordered_map<const LoadedPack*, std::size_t> places;
  const auto old = milliseconds_of(services_.clock.wall() - k_gone_for_good);
  for (const auto& record : manifest.packs) {
    AGENT_CHECK(check_go_on());
    auto pack = services_.packs->load(services_.storage, record);
    if (pack) {
      places.emplace(pack->get(), found.shares.size());
      found.shares.push_back({.record = record});
      loaded.push_back({.scope = 0, .pack = *std::move(pack)});
    } else if (pack.error().code == Errc::not_found) {
      if (record.created_ms < old) {
        found.shares.push_back({.record = record, .gone = true});
      }
    } else if (pack.error().code != Errc::corrupt && pack.error().code != Errc::unsupported) {
      return std::unexpected(std::move(pack).error());
    }
  }
  found.table.hold(loaded);
  found.table.each([&](const KeyTable::Found& entry) {
    auto& share = found.shares[places.at(entry.pack)];
    ++share.live_objects;
    share.live_bytes += entry.pack->index.at(entry.position).size;
  });
  return found;
}

// The pack that takes the place of those to be merged, uploaded; empty where nothing in them can be read.
Result<std::optional<PackRecord>> Compactor::make(const KeyTable& table, const CompactionPlan& plan,
                                                  const Head& head) {
  if (plan.merge.empty()) {
    return std::optional<PackRecord>{};
  }
  AGENT_CHECK(io::make_folders(options_.folder));
  const TemporaryFile file(options_.folder / "merged.pack");
  AGENT_TRY(auto items, collect(table, plan));
  if (items.empty()) {
    return std::optional<PackRecord>{};
  }
  AGENT_TRY(const auto built, store::write_pack(file.path(), std::move(items)));
  AGENT_CHECK(check_go_on());
  AGENT_TRY(const auto bytes, io::slice_of_file(file.path().string()));
  AGENT_CHECK(services_.storage.put_if_absent(pack_name(built.footer_digest), bytes));
  return std::optional(PackRecord{.digest = built.footer_digest,
                                  .size_bytes = built.size_bytes,
                                  .footer_offset = built.footer_offset,
                                  .footer_size = built.footer_size,
                                  .live_bytes = built.live_bytes,
                                  .generation = head.generation,
                                  .created_ms = milliseconds_of(services_.clock.wall()),
                                  .objects = static_cast<std::uint32_t>(built.entries),
                                  .producer = producer_of(head.manifest, plan.merge, options_.producer)});
}

Result<std::vector<store::PackItem>> Compactor::collect(const KeyTable& table,
                                                        const CompactionPlan& plan) const {
  std::unordered_map<const LoadedPack*, std::vector<store::PackEntry>> live;
  for (const auto& scoped : table.packs()) {
    if (std::ranges::find(plan.merge, scoped.pack->record.digest) != plan.merge.end()) {
      live.emplace(scoped.pack.get(), std::vector<store::PackEntry>());
    }
  }
  table.each([&](const KeyTable::Found& entry) {
    const auto found = live.find(entry.pack);
    if (found != live.end()) {
      found->second.push_back(entry.pack->index.at(entry.position));
    }
  });
  LiveObjects objects(services_.storage, *services_.packs, options_.folder);
  for (const auto& scoped : table.packs()) {  // in the manifest's order, so that equal tags give equal packs
    if (const auto found = live.find(scoped.pack.get()); found != live.end()) {
      AGENT_CHECK(objects.take(*scoped.pack, std::move(found->second), services_.go_on));
    }
  }
  return std::move(objects).items();
}

Result<void> Compactor::swap(Head head, const std::optional<PackRecord>& made,
                             const std::vector<Digest>& replaced) {
  const auto planned = head.manifest;
  for (unsigned conflicts = 0;; ++conflicts) {
    const auto next = compacted(head.manifest, made, replaced,
                                {.previous = head.digest,
                                 .generation = head.generation + 1,
                                 .now_ms = milliseconds_of(services_.clock.wall())});
    const auto swapped = replace_head(services_.storage, options_.tag, head, next);
    if (swapped) {
      return {};
    }
    if (swapped.error().code != Errc::conflict && !is_ambiguous(swapped.error().code)) {
      return swapped;
    }
    AGENT_TRY(head, read_head(services_.storage, options_.tag));
    if (std::ranges::all_of(replaced, [&](const Digest& pack) { return head.manifest.buried(pack); }) &&
        (!made || head.manifest.find(made->digest) != nullptr || head.manifest.buried(made->digest))) {
      return {};  // the answer was lost
    }
    if (swapped.error().code != Errc::conflict || conflicts == k_most_conflicts ||
        !only_added_to(planned, head.manifest)) {
      return swapped;
    }
    AGENT_CHECK(check_go_on());
  }
}

}  // namespace agent::publish
