#include "agent/publish/compactor.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <set>
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

// What the names of all of them begin with, so that one listing has them: the whole name of a single one.
std::string common_start(const std::vector<PackRecord>& packs) {
  auto start = pack_name(packs.front().digest);
  for (const auto& pack : packs) {
    const auto name = pack_name(pack.digest);
    start.resize(static_cast<std::size_t>(std::ranges::mismatch(start, name).in1 - start.begin()));
  }
  return start;
}

// A key that was removed long ago, and that no pack has any more which it applies to, need not be named.
void drop_settled(Manifest& manifest, const std::vector<ScopedPack>& packs, std::uint64_t now_ms) {
  RemovedKeys old;
  std::ranges::copy_if(manifest.removed, std::back_inserter(old), [&](const RemovedKey& removed) {
    return removed.removed_ms + k_tombstone_life_ms < now_ms;
  });
  std::set<std::string, std::less<>> held;
  for (const auto& scoped : packs) {
    const auto& pack = *scoped.pack;
    if (old.empty() || manifest.find(pack.record.digest) == nullptr) {
      continue;
    }
    pack.index.each([&](const store::PackEntry& entry) {
      if (hides(old, entry.key, pack.record.generation)) {
        held.emplace(entry.key);
      }
    });
  }
  std::erase_if(manifest.removed, [&](const RemovedKey& removed) {
    return hides(old, removed.key, 0) && !held.contains(removed.key);
  });
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
  const bool may_have_dead =
      head.manifest.packs.size() > 1 || !head.manifest.removed.empty() || touches_of(head.manifest).since > 0;
  const bool first_look = !std::exchange(looked_, true) && may_have_dead;
  if (!first_look && !may_be_worth_compacting(head.manifest, options_.limits)) {
    return Compacted{};
  }
  AGENT_TRY(auto found, survey(head.manifest));
  auto shares = found.tag.shares();
  std::ranges::move(found.gone, std::back_inserter(shares));
  const auto plan = plan_compaction(std::move(shares), options_.limits, allowance_bytes);
  if (plan.empty()) {
    return Compacted{};
  }
  AGENT_TRY(const auto made, make(found.tag, plan, head));
  auto replaced = plan.drop;
  replaced.insert(replaced.end(), plan.merge.begin(), plan.merge.end());
  AGENT_CHECK(check_go_on());
  AGENT_CHECK(swap(std::move(head), made, replaced, found.tag));
  const auto made_bytes = made ? made->record.size_bytes : 0;
  log::info("publish: compacted tag={} packs={} into_bytes={}", options_.tag.tag, replaced.size(),
            made_bytes);
  return Compacted{.packs = replaced.size(), .uploaded_bytes = made_bytes};
}

// What of each pack counts. Packs that cannot be read now are left out, and so left alone.
Result<Compactor::Survey> Compactor::survey(const Manifest& manifest) const {
  std::vector<PackRecord> missing;
  std::vector<ScopedPack> loaded;
  const auto removed = shared_removed(manifest);
  const auto old = milliseconds_of(services_.clock.wall() - k_gone_for_good);
  for (const auto& record : manifest.packs) {
    AGENT_CHECK(check_go_on());
    auto pack = services_.packs->load(services_.storage, record);
    if (pack) {
      loaded.push_back({.scope = 0, .pack = *std::move(pack), .removed = removed});
    } else if (pack.error().code == Errc::not_found) {
      if (record.created_ms < old) {
        missing.push_back(record);
      }
    } else if (pack.error().code != Errc::corrupt && pack.error().code != Errc::unsupported) {
      return std::unexpected(std::move(pack).error());
    }
  }
  const SurveyOptions options{.today = day_of(services_.clock.wall()),
                              .tag_bytes = options_.limits.tag_bytes};
  return Survey{.tag = TagSurvey(manifest, loaded, options), .gone = unlisted(missing)};
}

// Those that the storage does not list either: what leaves the manifest never comes back, while one answer
// that says "not there" may come from a storage or a proxy in trouble. The others are left alone. Where
// listing is not possible or not allowed (GitHub without a token, which forgets packs all the time) its word
// has to do.
std::vector<PackShare> Compactor::unlisted(const std::vector<PackRecord>& missing) const {
  if (missing.empty()) {
    return {};
  }
  std::vector<PackShare> gone;
  const auto listed = services_.storage.list(common_start(missing));
  const bool cannot_list =
      !listed && (listed.error().code == Errc::unsupported || listed.error().code == Errc::denied);
  for (const auto& record : missing) {
    const bool is_gone =
        cannot_list || (listed && std::ranges::find(*listed, pack_name(record.digest),
                                                    &backends::ObjectInfo::name) == listed->end());
    if (is_gone) {
      gone.push_back({.record = record, .gone = true});
    }
  }
  if (gone.size() < missing.size()) {
    log::warn("publish: packs were not found, but they are not known to be gone; they stay tag={} count={}{}",
              options_.tag.tag, missing.size() - gone.size(),
              listed ? std::string() : " error=" + listed.error().message);
  }
  return gone;
}

// The pack that takes the place of those to be merged, uploaded; empty where nothing in them can be read.
Result<std::optional<Compactor::Made>> Compactor::make(const TagSurvey& tag, const CompactionPlan& plan,
                                                       const Head& head) {
  if (plan.merge.empty()) {
    return std::optional<Made>{};
  }
  AGENT_CHECK(io::make_folders(options_.folder));
  const TemporaryFile file(options_.folder / "merged.pack");
  AGENT_TRY(auto items, collect(tag, plan));
  if (items.empty()) {
    return std::optional<Made>{};
  }
  std::vector<std::string> keys;
  std::ranges::transform(items, std::back_inserter(keys), &store::PackItem::key);
  std::ranges::sort(keys);
  const BuildTime begun(services_.clock);
  AGENT_TRY(const auto built, store::write_pack(file.path(), std::move(items)));
  AGENT_CHECK(check_go_on());
  AGENT_TRY(const auto bytes, io::slice_of_file(file.path().string()));
  AGENT_CHECK(services_.storage.put_if_absent(pack_name(built.footer_digest), bytes));
  return std::optional(Made{.record = {.digest = built.footer_digest,
                                       .size_bytes = built.size_bytes,
                                       .footer_offset = built.footer_offset,
                                       .footer_size = built.footer_size,
                                       .live_bytes = built.live_bytes,
                                       .generation = head.generation,
                                       .created_ms = milliseconds_of(services_.clock.wall()),
                                       .objects = static_cast<std::uint32_t>(built.entries),
                                       .producer = producer_of(head.manifest, plan.merge, options_.producer)},
                            .keys = std::move(keys),
                            .built = begun});
}

Result<std::vector<store::PackItem>> Compactor::collect(const TagSurvey& tag,
                                                        const CompactionPlan& plan) const {
  const auto& table = tag.table();
  std::unordered_map<const LoadedPack*, std::vector<store::PackEntry>> live;
  for (const auto& scoped : table.packs()) {
    if (std::ranges::find(plan.merge, scoped.pack->record.digest) != plan.merge.end()) {
      live.emplace(scoped.pack.get(), std::vector<store::PackEntry>());
    }
  }
  table.each([&](const KeyTable::Found& entry) {
    const auto found = live.find(entry.pack);
    if (found != live.end() && tag.counts(entry)) {
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

// When its objects were last used goes with them into the new pack.
Manifest Compactor::next_of(const Head& head, const std::optional<Made>& made,
                            const std::vector<Digest>& replaced, const TagSurvey& tag) const {
  const auto step = step_after(head, services_.clock);
  auto touches = touches_of(head.manifest);
  auto next = compacted(head.manifest, made ? std::optional(made->record) : std::nullopt, replaced, step);
  drop_settled(next, tag.table().packs(), step.now_ms);
  if (touches.since > 0) {
    if (made) {
      touches.packs.insert_or_assign(made->record.digest, tag.days_of(made->keys, touches));
    }
    set_touches(next, std::move(touches));
  }
  return next;
}

Result<void> Compactor::swap(Head head, const std::optional<Made>& made, const std::vector<Digest>& replaced,
                             const TagSurvey& tag) {
  const auto planned = head.manifest;
  for (unsigned conflicts = 0;; ++conflicts) {
    if (made && made->built.is_too_long_ago(services_.clock)) {  // what it would replace is there
      return fail(Errc::cancelled, "compact {}: the merged pack waited for so long that it may be gone",
                  options_.tag.tag);
    }
    const auto swapped =
        replace_head(services_.storage, options_.tag, head, next_of(head, made, replaced, tag));
    if (swapped) {
      return {};
    }
    if (swapped.error().code != Errc::conflict && !is_ambiguous(swapped.error().code)) {
      return swapped;
    }
    AGENT_TRY(head, read_head(services_.storage, options_.tag));
    if (std::ranges::all_of(replaced, [&](const Digest& pack) { return head.manifest.buried(pack); }) &&
        (!made || head.manifest.find(made->record.digest) != nullptr ||
         head.manifest.buried(made->record.digest))) {
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
