#include "agent/cache/cache.hpp"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "agent/cache/singleflight.hpp"
#include "agent/core/guarded.hpp"
#include "agent/core/log.hpp"
#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/file.hpp"
#include "agent/io/file_slice.hpp"
#include "agent/store/pack_format.hpp"

namespace agent::cache {

namespace {

// Objects of different tags share a store but never an index entry: sixteen hex digits of the tag's identity.
std::string store_prefix(const publish::TagId& tag) {
  const auto identity = fmt::format("{}\n{}\n{}", tag.repository, tag.scope, tag.tag);
  return io::sha256(io::bytes_of(identity)).hex().substr(0, 16) + "/";
}

// What is counted, declared once. Reasons are a closed set, so that counting takes no lookup.
struct Figures {
  metrics::Counter& hits;
  metrics::Counter& missed_absent;
  metrics::Counter& missed_backend;
  metrics::Counter& missed_corrupt;
  metrics::Counter& missed_gone;
  metrics::Counter& missed_local;
  metrics::Counter& missed_mode;
  metrics::Counter& bytes_read;
  metrics::Counter& bytes_written;
  metrics::Counter& stores;
  metrics::Counter& dropped;

  explicit Figures(metrics::Registry& registry)
      : hits(registry.counter("hearth_lookups_hit_total", "Lookups answered with an object")),
        missed_absent(miss(registry, "absent")),
        missed_backend(miss(registry, "backend error")),
        missed_corrupt(miss(registry, "corrupt")),
        missed_gone(miss(registry, "pack gone")),
        missed_local(miss(registry, "local disk")),
        missed_mode(miss(registry, "lookups are off")),
        bytes_read(
            registry.counter("hearth_read_bytes_total", "Bytes of objects that lookups answered with")),
        bytes_written(registry.counter("hearth_written_bytes_total", "Bytes of objects that were stored")),
        stores(registry.counter("hearth_stores_total", "Objects that were stored")),
        dropped(registry.counter("hearth_stores_failed_total", "Objects that could not be stored locally")) {}

  static metrics::Counter& miss(metrics::Registry& registry, const char* reason) {
    return registry.counter("hearth_lookups_missed_total", "Lookups answered with a miss",
                            {{"reason", reason}});
  }
};

}  // namespace

struct Cache::State {
  State(CacheOptions given, CacheServices used)
      : options(std::move(given)),
        services(used),
        prefix(store_prefix(options.tag)),
        figures(*used.registry) {}

  std::string local_key(std::string_view key) const { return prefix + std::string(key); }

  void note(std::string_view key, Outcome outcome) const;
  std::nullopt_t missed(metrics::Counter& counter, std::string_view key, Outcome outcome) const;
  std::optional<Hit> counted(std::string_view key, std::optional<Hit> hit) const;
  Lookup look_up(std::string_view key);
  std::optional<store::Stored> find_local(std::string_view key) const;
  bool outdated(std::string_view key) const;
  Lookup find_in_tag(std::string_view key);
  std::optional<Hit> fetch(std::string_view key, const publish::TagEntry& entry);
  Result<std::optional<Hit>> fetch_once(std::string_view key, const publish::TagEntry& entry);
  void count_failed_fetch(std::string_view key, const Error& error);
  Result<std::string> fetch_bytes(std::string_view key, const publish::TagEntry& entry) const;
  std::optional<Hit> keep(std::string_view key, std::string_view bytes);
  Result<store::Stored> store_locally(std::string_view key, std::string_view bytes,
                                      store::Present present) const;

  CacheOptions options;
  CacheServices services;
  std::string prefix;
  Figures figures;
  Singleflight flights;
  Guarded<std::set<std::string, std::less<>>> stored_anew;  // of what was removed from the tag
};

void Cache::State::note(std::string_view key, Outcome outcome) const {
  if (services.requests != nullptr) {
    services.requests->note(key, outcome);
  }
}

// Counts and notes a miss; what it returns is one.
std::nullopt_t Cache::State::missed(metrics::Counter& counter, std::string_view key, Outcome outcome) const {
  counter.add();
  note(key, outcome);
  return std::nullopt;
}

std::optional<Hit> Cache::State::counted(std::string_view key, std::optional<Hit> hit) const {
  if (hit) {
    figures.hits.add();
    figures.bytes_read.add(hit->slice.size);
    note(key, Outcome::hit);
  }
  return hit;
}

std::optional<store::Stored> Cache::State::find_local(std::string_view key) const {
  auto found = services.store->find(local_key(key));
  if (!found) {
    log::warn("cache: local read failed key={} error={}", key, found.error().message);
    return std::nullopt;
  }
  return *std::move(found);
}

Lookup Cache::State::look_up(std::string_view key) {
  if (!reads(options.mode)) {
    return {.hit = missed(figures.missed_mode, key, Outcome::off), .elsewhere = {}};
  }
  if (auto stored = outdated(key) ? std::nullopt : find_local(key)) {
    if (services.tag != nullptr) {
      services.tag->note_use(key);
    }
    return {.hit = Hit{.slice = std::move(stored->slice)}, .elsewhere = {}};
  }
  return find_in_tag(key);
}

// Somebody took it out of the tag, and it was not stored anew since this process knows of that.
bool Cache::State::outdated(std::string_view key) const {
  return services.tag != nullptr && services.tag->removed(key) &&
         !stored_anew.with([&](const auto& keys) { return keys.contains(key); });
}

Lookup Cache::State::find_in_tag(std::string_view key) {
  auto entry = services.tag == nullptr ? std::nullopt : services.tag->use(key);
  if (!entry) {
    return {.hit = missed(figures.missed_absent, key, Outcome::absent), .elsewhere = {}};
  }
  if (const auto* slice = std::get_if<io::FileSlice>(&entry->where)) {
    return {.hit = Hit{.slice = *slice}, .elsewhere = {}};
  }
  return {.hit = {}, .elsewhere = std::move(entry)};
}

// One flight per object: whoever comes while it is being fetched waits and finds it in the local store or in
// a copy of its pack. A pack that is gone may have been replaced: the tag is read again, once.
std::optional<Hit> Cache::State::fetch(std::string_view key, const publish::TagEntry& entry) {
  const auto flight = flights.join(key);
  if (auto stored = outdated(key) ? std::nullopt : find_local(key)) {
    return Hit{.slice = std::move(stored->slice)};
  }
  auto hit = fetch_once(key, entry);
  if (!hit && hit.error().code == Errc::not_found) {
    log::info("cache: a pack is gone, reading the tag again pack={}",
              std::get<publish::RemoteExtent>(entry.where).pack_name);
    if (auto again = services.tag->pack_gone(std::get<publish::RemoteExtent>(entry.where).pack_name);
        !again) {
      log::warn("cache: the tag could not be read again error={}", again.error().message);
    }
    const auto other = services.tag->find(key);
    if (!other) {
      return missed(figures.missed_gone, key, Outcome::pack_gone);
    }
    hit = fetch_once(key, *other);
  }
  if (hit) {
    return *std::move(hit);
  }
  count_failed_fetch(key, hit.error());
  return std::nullopt;
}

// Empty: it was fetched, and could be kept nowhere.
Result<std::optional<Hit>> Cache::State::fetch_once(std::string_view key, const publish::TagEntry& entry) {
  if (const auto* const slice = std::get_if<io::FileSlice>(&entry.where)) {
    return Hit{.slice = *slice};
  }
  const auto& extent = std::get<publish::RemoteExtent>(entry.where);
  if (extent.copy != nullptr) {
    const auto brought = services.tag->bring(extent);
    if (!brought && brought.error().code != Errc::cancelled) {
      return std::unexpected(brought.error());
    }
    const auto found = services.tag->find(key);
    const auto* const slice = found ? std::get_if<io::FileSlice>(&found->where) : nullptr;
    if (slice != nullptr) {
      return Hit{.slice = *slice};
    }
  }
  AGENT_TRY(const auto bytes, fetch_bytes(key, entry));
  return keep(key, bytes);
}

void Cache::State::count_failed_fetch(std::string_view key, const Error& error) {
  const bool corrupt = error.code == Errc::corrupt;
  const bool gone = error.code == Errc::not_found;
  missed(corrupt ? figures.missed_corrupt
         : gone  ? figures.missed_gone
                 : figures.missed_backend,
         key,
         corrupt ? Outcome::corrupt
         : gone  ? Outcome::pack_gone
                 : Outcome::backend_error);
  if (corrupt) {
    services.tag->distrust(key);
  }
  log::warn("cache: fetch failed key={} error={}", key, error.message);
}

Result<std::string> Cache::State::fetch_bytes(std::string_view key, const publish::TagEntry& entry) const {
  const auto& extent = std::get<publish::RemoteExtent>(entry.where);
  AGENT_TRY(auto bytes, services.storage->get(extent.pack_name, extent.range));
  if (!bytes) {
    return fail(Errc::not_found, "pack {} is gone", extent.pack_name);
  }
  if (io::sha256(io::bytes_of(*bytes)) != entry.digest) {
    return fail(Errc::corrupt, "object {} of pack {} does not match its digest", key, extent.pack_name);
  }
  return *std::move(bytes);
}

// Into the local store; where that is full the bytes are answered all the same, from memory. What a tool
// stored under the key while this was on its way is newer, and is the answer.
std::optional<Hit> Cache::State::keep(std::string_view key, std::string_view bytes) {
  const auto present = outdated(key) ? store::Present::replaced : store::Present::kept;
  const auto stored = store_locally(key, bytes, present);
  if (auto found = stored ? find_local(key) : std::nullopt) {
    return Hit{.slice = std::move(found->slice)};
  }
  if (!stored) {
    log::warn("cache: fetched object could not be kept key={} error={}", key, stored.error().message);
  }
  auto slice = io::slice_in_memory(bytes);
  if (!slice) {
    return missed(figures.missed_local, key, Outcome::local_disk);
  }
  return Hit{.slice = *std::move(slice)};
}

Result<store::Stored> Cache::State::store_locally(std::string_view key, std::string_view bytes,
                                                  store::Present present) const {
  const auto local = local_key(key);
  AGENT_TRY(auto incoming, services.store->reserve(bytes.size(), local.size()));
  AGENT_CHECK(incoming.write(io::bytes_of(bytes)));
  return std::move(incoming).commit(local, present);
}

Cache::Cache(CacheOptions options, CacheServices services)
    : state_(std::make_unique<State>(std::move(options), services)) {}

Cache::~Cache() = default;

Lookup Cache::look_up(std::string_view key) {
  auto found = state_->look_up(key);
  found.hit = state_->counted(key, std::move(found.hit));
  return found;
}

std::optional<Hit> Cache::fetch(std::string_view key, const publish::TagEntry& entry) {
  return state_->counted(key, state_->fetch(key, entry));
}

std::optional<Hit> Cache::find(std::string_view key) {
  auto found = look_up(key);
  return found.elsewhere ? fetch(key, *found.elsewhere) : std::move(found.hit);
}

bool Cache::contains(std::string_view key) {
  if (!reads(state_->options.mode)) {
    return false;
  }
  return (!state_->outdated(key) && state_->services.store->contains(state_->local_key(key))) ||
         (state_->services.tag != nullptr && state_->services.tag->find(key).has_value());
}

std::uint64_t Cache::adopt_unpublished() {
  std::vector<std::string> keys;
  state_->services.store->each_key(state_->prefix, [&](std::string_view key) { keys.emplace_back(key); });
  std::uint64_t adopted = 0;
  for (const auto& local : keys) {
    const auto key = local.substr(state_->prefix.size());
    if (state_->services.tag != nullptr &&
        (state_->services.tag->find(key) || state_->services.tag->removed(key))) {
      continue;
    }
    if (auto stored = state_->find_local(key)) {
      state_->services.publisher->add(key, *std::move(stored));
      ++adopted;
    }
  }
  return adopted;
}

// Either writes straight into a reserved extent, or spools a body of unknown length to an unlinked file
// first.
struct Write::State {
  Cache::State* cache = nullptr;
  std::string key;
  std::optional<store::Incoming> incoming;
  io::Fd spool;
  std::uint64_t size = 0;

  Result<void> reserve(std::optional<std::uint64_t> size_bytes);
  Result<void> unspool();
};

Write::Write(std::unique_ptr<State> state) : state_(std::move(state)) {}
Write::Write(Write&&) noexcept = default;
Write& Write::operator=(Write&&) noexcept = default;
Write::~Write() = default;

Result<void> Write::write(std::span<const std::byte> bytes) {
  auto& state = *state_;
  if (state.size + bytes.size() > state.cache->options.max_object_bytes) {
    return fail(Errc::invalid, "object {} is larger than {} bytes", state.key,
                state.cache->options.max_object_bytes);
  }
  if (state.incoming) {
    AGENT_CHECK(state.incoming->write(bytes));
  } else if (state.spool.valid()) {
    AGENT_CHECK(io::write_all(state.spool.get(), bytes, state.key));
  }
  state.size += bytes.size();
  return {};
}

Result<void> Write::State::reserve(std::optional<std::uint64_t> size_bytes) {
  const auto& options = cache->options;
  const auto key_bytes = cache->local_key(key).size();
  if (key.empty() || !store::valid_key_size(key_bytes)) {
    return fail(Errc::invalid, "an object key has 1 to {} bytes; this one has {}",
                store::k_max_key_bytes - cache->prefix.size(), key.size());
  }
  if (size_bytes && *size_bytes > options.max_object_bytes) {
    return fail(Errc::invalid, "object {} of {} bytes is larger than {}", key, *size_bytes,
                options.max_object_bytes);
  }
  if (options.mode == publish::Mode::off) {
    return {};
  }
  if (!size_bytes) {
    AGENT_TRY(spool, io::unnamed_file(options.spool));
    return {};
  }
  AGENT_TRY(auto reserved, cache->services.store->reserve(*size_bytes, key_bytes));
  incoming.emplace(std::move(reserved));
  return {};
}

Result<void> Write::State::unspool() {
  AGENT_TRY(incoming, cache->services.store->reserve(size, cache->local_key(key).size()));
  std::vector<std::byte> buffer(std::size_t{256} * 1024);
  for (std::uint64_t at = 0; at < size;) {
    const auto part = std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), size - at));
    AGENT_CHECK(io::read_exact_at(spool.get(), part, at, key));
    AGENT_CHECK(incoming->write(part));
    at += part.size();
  }
  return {};
}

Result<void> Write::commit() && {
  auto& state = *state_;
  if (state.cache->options.mode == publish::Mode::off) {
    return {};
  }
  if (state.spool.valid()) {
    AGENT_CHECK(state.unspool());
  }
  AGENT_TRY(auto stored, (*std::move(state.incoming)).commit(state.cache->local_key(state.key)));
  state.cache->figures.stores.add();
  state.cache->figures.bytes_written.add(state.size);
  if (state.cache->services.tag != nullptr && state.cache->services.tag->removed(state.key)) {
    state.cache->stored_anew.with([&](auto& keys) { keys.insert(state.key); });
  }
  state.cache->note(state.key, Outcome::stored);
  state.cache->services.publisher->add(std::move(state.key), std::move(stored));
  return {};
}

Result<Write> Cache::begin(std::string_view key, std::optional<std::uint64_t> size_bytes) {
  auto write = std::make_unique<Write::State>();
  write->cache = state_.get();
  write->key = key;
  auto begun = write->reserve(size_bytes);
  if (!begun) {
    state_->figures.dropped.add();
    return std::unexpected(std::move(begun).error());
  }
  return Write(std::move(write));
}

}  // namespace agent::cache
