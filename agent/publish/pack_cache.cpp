#include "agent/publish/pack_cache.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "agent/publish/tag.hpp"

namespace agent::publish {

namespace {

std::string distrust_key(const Digest& pack, std::string_view key) {
  std::string id(reinterpret_cast<const char*>(pack.bytes.data()), pack.bytes.size());
  return id.append(key);
}

bool is_set(const std::vector<std::atomic<std::uint8_t>>& marks, std::uint32_t position) {
  const auto mark = LoadedPack::mark_of(position);
  const unsigned bits = marks[mark / 8].load(std::memory_order_relaxed);
  return ((bits >> (mark % 8)) & 1U) != 0;
}

void set(std::vector<std::atomic<std::uint8_t>>& marks, std::uint32_t position) {
  const auto mark = LoadedPack::mark_of(position);
  marks[mark / 8].fetch_or(static_cast<std::uint8_t>(1U << (mark % 8)), std::memory_order_relaxed);
}

// Holds a file and gives its place in the budget back.
struct CountedFile {
  io::FileSlice slice;
  std::shared_ptr<std::atomic<std::size_t>> files_left;

  explicit CountedFile(std::shared_ptr<std::atomic<std::size_t>> left) : files_left(std::move(left)) {}
  CountedFile(const CountedFile&) = delete;
  CountedFile& operator=(const CountedFile&) = delete;
  ~CountedFile() { ++*files_left; }
};

bool take_place(std::atomic<std::size_t>& left) {
  auto now = left.load();
  while (now > 0) {
    if (left.compare_exchange_weak(now, now - 1)) {
      return true;
    }
  }
  return false;
}

Result<store::PackIndex> index_in_file(const io::FileSlice& file, const PackRecord& record) {
  if (file.size != record.size_bytes) {
    return fail(Errc::corrupt, "pack {}: {} bytes; the manifest says {}", record.digest.hex(), file.size,
                record.size_bytes);
  }
  return store::PackIndex::of_file(file, {.footer_offset = record.footer_offset,
                                          .footer_size = record.footer_size,
                                          .footer_digest = record.digest});
}

struct Parts {
  std::string name;
  store::PackIndex index;
  std::optional<io::FileSlice> file;
  std::shared_ptr<PackCopy> copy;
};

std::shared_ptr<const LoadedPack> loaded(const PackRecord& record, Parts parts) {
  const auto marks = (LoadedPack::mark_of(static_cast<std::uint32_t>(parts.index.footer_size())) / 8) + 1;
  return std::make_shared<const LoadedPack>(
      record, std::move(parts.index), std::move(parts.name), std::move(parts.file), std::move(parts.copy),
      std::vector<std::atomic<std::uint8_t>>(marks), std::vector<std::atomic<std::uint8_t>>(marks));
}

// The footer comes with its neighbours, and they stay.
Result<store::PackIndex> index_in_copy(backends::ObjectStorage& storage, PackCopy& copy,
                                       const PackRecord& record) {
  const backends::Range footer{.offset = record.footer_offset, .size = record.footer_size};
  AGENT_CHECK(copy.ensure(storage, footer));
  const auto slice = copy.slice(footer);
  if (!slice) {
    return fail(Errc::corrupt, "pack {}: its copy was thrown away", record.digest.hex());
  }
  AGENT_TRY(auto bytes, io::read_slice(*slice, store::k_max_footer_bytes, copy.name()));
  return store::PackIndex::of_footer(std::move(bytes), record.digest);
}

Result<store::PackIndex> index_by_range(backends::ObjectStorage& storage, const std::string& name,
                                        const PackRecord& record) {
  AGENT_TRY(auto footer, storage.get(name, {.offset = record.footer_offset, .size = record.footer_size}));
  if (!footer) {
    return fail(Errc::not_found, "pack {} is gone", record.digest.hex());
  }
  AGENT_TRY(auto index, store::PackIndex::of_footer(*std::move(footer), record.digest));
  if (index.footer_offset() != record.footer_offset) {
    return fail(Errc::corrupt, "pack {}: its footer is not where the manifest says", record.digest.hex());
  }
  return index;
}

}  // namespace

// Entries are longer than their fixed part, so no two share a mark.
std::size_t LoadedPack::mark_of(std::uint32_t position) {
  return position / store::k_entry_fixed_bytes;
}

bool LoadedPack::checked(std::uint32_t position) const {
  return is_set(marks, position);
}

void LoadedPack::set_checked(std::uint32_t position) const {
  set(marks, position);
}

bool LoadedPack::used(std::uint32_t position) const {
  return is_set(uses, position);
}

void LoadedPack::set_used(std::uint32_t position) const {
  if (!is_set(uses, position)) {  // a line of the cache that is only read stays with every processor
    set(uses, position);
  }
}

PackCache::PackCache(std::size_t open_files)
    : files_left_(std::make_shared<std::atomic<std::size_t>>(open_files)) {}

std::size_t PackCache::default_open_files() {
  constexpr std::size_t k_enough = 100'000;
  struct rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return k_enough;
  }
  return std::min<std::size_t>(limit.rlim_cur / 2, k_enough);
}

// Empty where it can only be read by range, or where enough files are open already.
Result<std::optional<io::FileSlice>> PackCache::open_file(backends::ObjectStorage& storage,
                                                          const std::string& name) {
  if (!take_place(*files_left_)) {
    return std::optional<io::FileSlice>{};
  }
  const auto holder = std::make_shared<CountedFile>(files_left_);
  auto opened = storage.open_in_place(name);
  if (!opened && opened.error().code == Errc::unsupported) {
    return std::optional<io::FileSlice>{};
  }
  if (!opened) {
    return std::unexpected(std::move(opened).error());
  }
  if (!*opened) {
    return fail(Errc::not_found, "pack {} is gone", name);
  }
  holder->slice = **std::move(opened);
  auto slice = holder->slice;
  slice.pin = holder;
  return std::optional(std::move(slice));
}

std::shared_ptr<PackCopy> PackCache::copy_of(const std::string& name, const PackRecord& record) {
  return copies_ != nullptr ? copies_->of(name, record.size_bytes) : nullptr;
}

void PackCache::adopt(const Digest& pack, store::PackIndex index) {
  state_.with([&](State& state) { state.adopted.insert_or_assign(pack, std::move(index)); });
}

std::optional<store::PackIndex> PackCache::take_adopted(const Digest& pack) {
  return state_.with([&](State& state) {
    auto node = state.adopted.extract(pack);
    return node.empty() ? std::nullopt : std::optional(std::move(node.mapped()));
  });
}

Result<std::shared_ptr<const LoadedPack>> PackCache::read(backends::ObjectStorage& storage,
                                                          const PackRecord& record) {
  const auto name = pack_name(record.digest);
  AGENT_TRY(auto file, open_file(storage, name));
  auto adopted = take_adopted(record.digest);
  if (!file && adopted) {  // its objects are in the local store: no copy of the pack is wanted
    return loaded(record, {.name = name, .index = *std::move(adopted), .file = {}, .copy = nullptr});
  }
  auto copy = file ? nullptr : copy_of(name, record);
  auto index = file   ? index_in_file(*file, record)
               : copy ? index_in_copy(storage, *copy, record)
                      : index_by_range(storage, name, record);
  if (!index && copy && index.error().code == Errc::corrupt) {
    copy->spoil();
    copy = nullptr;
    index = index_by_range(storage, name, record);
  }
  AGENT_CHECK(index);
  return loaded(record,
                {.name = name, .index = *std::move(index), .file = std::move(file), .copy = std::move(copy)});
}

Result<std::shared_ptr<const LoadedPack>> PackCache::load(backends::ObjectStorage& storage,
                                                          const PackRecord& record) {
  auto known = state_.with([&](State& state) {
    const auto found = state.packs.find(record.digest);
    return found == state.packs.end() ? nullptr : found->second.lock();
  });
  if (known && known->record == record) {
    return known;
  }
  AGENT_TRY(auto pack, read(storage, record));
  state_.with([&](State& state) {
    state.packs[record.digest] = pack;
    if (state.packs.size() > state.prune_at) {
      std::erase_if(state.packs, [](const auto& entry) { return entry.second.expired(); });
      state.prune_at = 2 * state.packs.size();
    }
  });
  return pack;
}

void PackCache::forget(const Digest& pack) {
  state_.with([&](State& state) {
    state.packs.erase(pack);
    state.adopted.erase(pack);
  });
}

void PackCache::distrust(const Digest& pack, std::string_view key) {
  state_.with([&](State& state) { state.distrusted.insert(distrust_key(pack, key)); });
  any_distrusted_ = true;
}

bool PackCache::distrusted(const Digest& pack, std::string_view key) const {
  return any_distrusted_ &&
         state_.with([&](const State& state) { return state.distrusted.contains(distrust_key(pack, key)); });
}

}  // namespace agent::publish
