#include "agent/publish/tag_view.hpp"

#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "agent/core/guarded.hpp"
#include "agent/core/log.hpp"
#include "agent/publish/key_table.hpp"
#include "agent/publish/pack_cache.hpp"
#include "agent/publish/pack_copy.hpp"
#include "agent/publish/preload.hpp"
#include "agent/publish/preload_order.hpp"
#include "agent/publish/table_uses.hpp"
#include "agent/publish/tag_head.hpp"

namespace agent::publish {

namespace {

// What is known of one scope of the chain. Used under the refresh lock only.
struct Scope {
  TagId id;
  std::string version;  // of the pointer; empty: none
  std::uint64_t generation = 0;
  std::vector<std::shared_ptr<const LoadedPack>> packs;
  bool complete = true;  // false: a pack could not be read this time and may be next time
  std::shared_ptr<const RemovedKeys> removed = nullptr;  // null: nothing
  std::shared_ptr<const TouchSet> touches = nullptr;
  RunHistory runs{};
};

using LoadedPackResult = Result<std::shared_ptr<const LoadedPack>>;

struct Snapshot {
  KeyTable table;
  TagFigures figures;
  std::vector<std::shared_ptr<const RemovedKeys>> removed;  // of scopes that have any
  std::vector<std::shared_ptr<const TouchSet>> touches;     // by scope
  RunHistory runs;
};

std::string_view skip_reason(Errc code) {
  switch (code) {
    case Errc::not_found:
      return "missing";
    case Errc::corrupt:
    case Errc::unsupported:
      return name_of(code);
    default:
      return "unreadable";
  }
}

TagEntry entry_of(const LoadedPack& pack, std::uint32_t position) {
  const auto found = pack.index.at(position);
  TagEntry entry{.where = {}, .digest = found.digest, .crc32c = found.crc32c, .size = found.size};
  if (pack.file) {
    entry.where = io::FileSlice{.fd = pack.file->fd,
                                .offset = pack.file->offset + found.offset,
                                .size = found.size,
                                .pin = pack.file->pin};
  } else {
    const backends::Range range{.offset = found.offset, .size = found.size};
    if (auto here = pack.copy != nullptr ? pack.copy->slice(range) : std::nullopt) {
      entry.where = *std::move(here);
    } else {
      const bool usable = pack.copy != nullptr && !pack.copy->spoiled();
      entry.where =
          RemoteExtent{.pack_name = pack.name, .range = range, .copy = usable ? pack.copy : nullptr};
    }
  }
  return entry;
}

// Advises the kernel, up to the budget or the deadline; the bytes that it was advised of.
std::uint64_t read_ahead(const io::FileSlice& file, backends::Range range, std::uint64_t budget_bytes,
                         std::chrono::steady_clock::time_point deadline) {
  constexpr std::uint64_t k_step = std::uint64_t{8} << 20U;
  const auto size = std::min(range.size, budget_bytes);
  std::uint64_t done = 0;
  while (done < size && std::chrono::steady_clock::now() < deadline) {
    const auto part = std::min(k_step, size - done);
    // Advice only: where it is not taken, reading is slower and nothing else.
    static_cast<void>(::posix_fadvise(file.fd, static_cast<off_t>(file.offset + range.offset + done),
                                      static_cast<off_t>(part), POSIX_FADV_WILLNEED));
    done += part;
  }
  return done;
}

}  // namespace

enum class Noting : std::uint8_t { nothing, use };

struct TagViewState {
  TagViewState(backends::ObjectStorage& used, metrics::Registry& figures)
      : storage(used),
        registry(figures),
        objects(figures.gauge("hearth_tag_objects", "Objects that the tag's chain of scopes holds.")),
        bytes(figures.gauge("hearth_tag_bytes", "Bytes of these objects.")),
        generation(figures.gauge("hearth_tag_generation", "Generation of the tag in its own scope.")),
        corrupt(figures.counter("hearth_tag_objects_corrupt_total",
                                "Objects of packs whose bytes did not match their checksum.")) {}

  Result<bool> refresh_scope(Scope& scope);
  std::vector<LoadedPackResult> load_all(const std::vector<PackRecord>& records);
  void load_packs(Scope& scope, const Manifest& manifest);
  void publish_snapshot();
  std::optional<TagEntry> look_up(std::string_view key, Noting noting);
  std::shared_ptr<const Snapshot> current() const {
    return snapshot.with([](const auto& shared) { return shared; });
  }

  backends::ObjectStorage& storage;
  metrics::Registry& registry;
  metrics::Gauge& objects;
  metrics::Gauge& bytes;
  metrics::Gauge& generation;
  metrics::Counter& corrupt;
  std::shared_ptr<PackCache> packs = std::make_shared<PackCache>();

  std::mutex refreshing;      // held across I/O: a second refresh has nothing to do but wait for the first
  std::vector<Scope> scopes;  // own first; under `refreshing`
  std::atomic<bool> any_removed{false};
  Guarded<std::shared_ptr<const Snapshot>> snapshot{std::make_shared<const Snapshot>()};
  std::unique_ptr<Preloader> preloader;  // last: it uses the storage while it lives
};

// True if there is anything new.
Result<bool> TagViewState::refresh_scope(Scope& scope) {
  AGENT_TRY(const auto at, read_pointer(storage, scope.id));
  if (!at) {
    const bool had = !scope.version.empty();
    scope = Scope{.id = std::move(scope.id), .version = {}, .generation = 0, .packs = {}, .complete = true};
    return had;
  }
  if (at->version == scope.version && scope.complete) {
    return false;
  }
  AGENT_TRY(const auto manifest, read_manifest(storage, at->pointer));
  if (!manifest) {
    return fail(Errc::not_found, "tag {}: the manifest of generation {} is gone", scope.id.tag,
                at->pointer.generation);
  }
  scope.version = at->version;
  scope.generation = at->pointer.generation;
  scope.removed = shared_removed(*manifest);
  scope.touches = std::make_shared<const TouchSet>(touches_of(*manifest));
  scope.runs = runs_of(*manifest);
  load_packs(scope, *manifest);
  return true;
}

// Behind a network each pack that is new costs a round trip: several are asked for at once.
std::vector<LoadedPackResult> TagViewState::load_all(const std::vector<PackRecord>& records) {
  constexpr std::size_t k_at_once = 8;
  std::vector<LoadedPackResult> loaded(records.size(), nullptr);
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (auto i = next++; i < records.size(); i = next++) {
      loaded[i] = packs->load(storage, records[i]);
    }
  };
  std::vector<std::jthread> helpers;
  for (std::size_t i = 1; !storage.opens_in_place() && i < std::min(k_at_once, records.size()); ++i) {
    helpers.emplace_back(work);
  }
  work();
  helpers.clear();
  return loaded;
}

void TagViewState::load_packs(Scope& scope, const Manifest& manifest) {
  std::vector<std::shared_ptr<const LoadedPack>> loaded;
  loaded.reserve(manifest.packs.size());
  std::optional<Error> first_error;
  scope.complete = true;
  for (auto& pack : load_all(manifest.packs)) {
    if (pack) {
      loaded.push_back(*std::move(pack));
      continue;
    }
    const auto reason = skip_reason(pack.error().code);
    scope.complete = scope.complete && reason != "unreadable";
    registry
        .counter("hearth_tag_packs_skipped_total", "Packs of the tag that could not be used.",
                 {{"reason", std::string(reason)}})
        .add();
    first_error = first_error ? first_error : std::move(pack).error();
  }
  if (first_error) {  // one line: a pruned cache misses hundreds
    log::warn("publish: packs left out tag={} count={} first_error={}", scope.id.tag,
              manifest.packs.size() - loaded.size(), first_error->message);
  }
  scope.packs = std::move(loaded);
}

void TagViewState::publish_snapshot() {
  auto next = std::make_shared<Snapshot>();
  const auto before = current();
  next->table = before->table;
  std::vector<ScopedPack> all;
  for (std::uint32_t i = 0; i < scopes.size(); ++i) {
    for (const auto& pack : scopes[i].packs) {
      all.push_back({.scope = i, .pack = pack, .removed = scopes[i].removed});
    }
    if (scopes[i].removed != nullptr) {
      next->removed.push_back(scopes[i].removed);
    }
    next->touches.push_back(scopes[i].touches);
    next->runs = next->runs.empty() ? scopes[i].runs : next->runs;
  }
  next->table.hold(all);
  carry_uses(before->table, next->table);
  next->figures = {.generation = scopes.front().generation,
                   .objects = next->table.objects(),
                   .bytes = next->table.bytes(),
                   .packs = all.size()};
  objects.set(static_cast<std::int64_t>(next->figures.objects));
  any_removed = !next->removed.empty();
  bytes.set(static_cast<std::int64_t>(next->figures.bytes));
  generation.set(static_cast<std::int64_t>(next->figures.generation));
  snapshot.with([&](auto& shared) { shared = std::move(next); });
}

TagView::TagView(backends::ObjectStorage& storage, TagChain chain, metrics::Registry& registry,
                 std::shared_ptr<PackCopies> copies)
    : state_(std::make_unique<TagViewState>(storage, registry)) {
  state_->packs->keep_copies(std::move(copies));
  std::vector<TagId> ids;
  ids.push_back(std::move(chain.own));
  for (auto& id : chain.also) {
    if (std::ranges::find(ids, id) == ids.end()) {
      ids.push_back(std::move(id));
    }
  }
  for (auto& id : ids) {
    state_->scopes.push_back(
        {.id = std::move(id), .version = {}, .generation = 0, .packs = {}, .complete = true});
  }
}

TagView::~TagView() = default;

Result<void> TagView::refresh() {
  const std::scoped_lock lock(state_->refreshing);
  Result<void> outcome;
  bool changed = false;
  for (auto& scope : state_->scopes) {
    auto refreshed = state_->refresh_scope(scope);
    if (refreshed) {
      changed = changed || *refreshed;
    } else if (outcome) {
      outcome = std::unexpected(std::move(refreshed).error());
    }
  }
  if (changed) {
    state_->publish_snapshot();
  }
  return outcome;
}

std::optional<TagEntry> TagViewState::look_up(std::string_view key, Noting noting) {
  const auto held = current();
  const auto found = held->table.find(key);
  if (!found || packs->distrusted(found->pack->record.digest, key)) {
    return std::nullopt;
  }
  if (noting == Noting::use) {
    found->pack->set_used(found->position);
  }
  auto entry = entry_of(*found->pack, found->position);
  const auto* const slice = std::get_if<io::FileSlice>(&entry.where);
  if (slice == nullptr || found->pack->checked(found->position)) {
    return entry;
  }
  if (found->pack->copy != nullptr) {
    if (!io::matches_digest(*slice, entry.digest)) {
      found->pack->copy->spoil();  // the storage may still have the right bytes: it is asked from now on
      return entry_of(*found->pack, found->position);
    }
  } else if (!io::matches_crc(*slice, entry.crc32c)) {
    corrupt.add();
    packs->distrust(found->pack->record.digest, key);
    log::warn("publish: an object's bytes are wrong pack={} key={}", found->pack->name, key);
    return std::nullopt;
  }
  found->pack->set_checked(found->position);
  return entry;
}

std::optional<TagEntry> TagView::find(std::string_view key) const {
  return state_->look_up(key, Noting::nothing);
}

std::optional<TagEntry> TagView::use(std::string_view key) const {
  return state_->look_up(key, Noting::use);
}

void TagView::note_use(std::string_view key) const {
  const auto snapshot = state_->current();
  if (const auto found = snapshot->table.find(key)) {
    found->pack->set_used(found->position);
  }
}

std::vector<UsedPack> TagView::used() const {
  return uses_of(state_->current()->table);
}

bool TagView::removed(std::string_view key) const {
  if (!state_->any_removed) {
    return false;
  }
  const auto snapshot = state_->current();
  return std::ranges::any_of(snapshot->removed, [&](const auto& removed) { return hides(*removed, key, 0); });
}

std::uint64_t TagView::preload(std::uint64_t budget_bytes, std::chrono::steady_clock::time_point deadline) {
  const auto snapshot = state_->current();
  std::uint64_t covered = 0;
  std::vector<PreloadPart> parts;
  for (const auto& [pack, range] : preload_order(snapshot->table.packs(), snapshot->touches)) {
    if (pack->copy != nullptr) {
      parts.push_back({.copy = pack->copy, .range = range});
    }
    if (pack->file) {
      covered += read_ahead(*pack->file, range, budget_bytes - covered, deadline);
    }
  }
  state_->preloader =
      std::make_unique<Preloader>(state_->storage, std::move(parts),
                                  PreloadOptions{.budget_bytes = budget_bytes - covered}, state_->registry);
  if (!state_->preloader->wait(deadline)) {
    log::info("publish: preloading goes on in the background bytes={}", state_->preloader->figures().bytes);
  }
  return covered + state_->preloader->figures().bytes;
}

Result<void> TagView::bring(const RemoteExtent& extent) {
  return extent.copy->ensure(state_->storage, extent.range);
}

Result<void> TagView::pack_gone(std::string_view pack_name) {
  {
    const std::scoped_lock lock(state_->refreshing);
    for (auto& scope : state_->scopes) {
      for (const auto& pack : scope.packs) {
        if (pack->name == pack_name) {
          state_->packs->forget(pack->record.digest);
          scope.complete = false;
        }
      }
    }
  }
  return refresh();
}

void TagView::distrust(std::string_view key) {
  const auto snapshot = state_->current();
  if (const auto found = snapshot->table.find(key)) {
    state_->packs->distrust(found->pack->record.digest, key);
  }
}

TagFigures TagView::figures() const {
  return state_->current()->figures;
}

RunHistory TagView::runs() const {
  return state_->current()->runs;
}

std::shared_ptr<PackCache> TagView::packs() const {
  return state_->packs;
}

void TagView::each(const std::function<void(std::string_view key, const TagEntry& entry)>& visit) const {
  const auto snapshot = state_->current();
  snapshot->table.each([&](const KeyTable::Found& found) {
    const auto key = found.pack->index.key_at(found.position);
    if (!state_->packs->distrusted(found.pack->record.digest, key)) {
      visit(key, entry_of(*found.pack, found.position));
    }
  });
}

}  // namespace agent::publish
