#include "agent/app/hydration.hpp"

#include <algorithm>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include "agent/app/tag_entries.hpp"
#include "agent/core/log.hpp"
#include "agent/core/text.hpp"
#include "agent/io/fd.hpp"
#include "agent/sccache/cache_folder.hpp"

namespace agent::app {

namespace {

constexpr std::size_t k_buffer_bytes = std::size_t{256} * 1024;

Result<void> copy_into(cache::Write& write, const io::FileSlice& file, std::string_view thing) {
  std::vector<std::byte> buffer(std::min<std::uint64_t>(k_buffer_bytes, file.size));
  for (std::uint64_t done = 0; done < file.size;) {
    const auto part = std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), file.size - done));
    AGENT_CHECK(io::read_exact_at(file.fd, part, file.offset + done, thing));
    AGENT_CHECK(write.write(part));
    done += part.size();
  }
  return {};
}

// Puts objects of the tag into the folder, as long as the disk has room.
class Filling final {
public:
  Filling(sccache::Hydrator& hydrator, cache::Cache& cache, std::uint64_t room_bytes)
      : hydrator_(hydrator), cache_(cache), room_bytes_(room_bytes) {}

  void take(std::string_view key, const io::FileSlice& slice, std::uint32_t crc32c) {
    if (!takes(key, slice.size)) {
      return;
    }
    auto added = hydrator_.add(path_of(key), slice, crc32c);
    if (!added && added.error().code == Errc::corrupt) {
      // The cache finds out too, and asks the storage once more where what lies here is a copy.
      if (const auto other = cache_.find(key)) {
        added = hydrator_.add(path_of(key), other->slice, crc32c);
      }
    }
    count(added, slice.size);
  }

  void take(std::string_view key, std::string_view bytes) {
    if (takes(key, bytes.size())) {
      count(hydrator_.add(path_of(key), bytes), bytes.size());
    }
  }

  std::uint64_t left_out() const { return left_out_; }
  const std::optional<Error>& why() const { return why_; }  // the first one was left out

private:
  static std::string_view path_of(std::string_view key) { return key.substr(k_direct_namespace.size()); }

  bool takes(std::string_view key, std::uint64_t size_bytes) {
    if (!sccache::is_entry(path_of(key))) {
      return false;  // the record of the mode
    }
    const bool fits = size_bytes <= room_bytes_;
    if (!fits) {
      count(fail(Errc::full, "the disk has no room for more"), 0);
    }
    return fits;
  }

  void count(const Result<void>& added, std::uint64_t size_bytes) {
    if (added) {
      room_bytes_ -= size_bytes;
      return;
    }
    ++left_out_;
    if (!why_) {
      why_ = added.error();
    }
  }

  sccache::Hydrator& hydrator_;
  cache::Cache& cache_;
  std::uint64_t room_bytes_;
  std::uint64_t left_out_ = 0;
  std::optional<Error> why_;
};

}  // namespace

Hydration::Hydration(HydrationServices services)
    : services_(services),
      filled_(services.registry.counter("hearth_hydrated_objects_total",
                                        "Objects that sccache's folder was filled with.")),
      filled_bytes_(services.registry.counter("hearth_hydrated_bytes_total",
                                              "Bytes that sccache's folder was filled with.")),
      collected_(
          services.registry.counter("hearth_collected_objects_total",
                                    "Objects that sccache added to its folder and that were taken over.")),
      collector_(services.config.sccache_dir) {}

void Hydration::note(std::string text) {
  log::warn("hydration: {}", text);
  services_.status.observe([&](Observed& observed) { observed.notes.push_back(std::move(text)); });
}

std::optional<ModeRecord> Hydration::recorded() const {
  if (services_.tag == nullptr || !services_.tag->find(k_mode_key)) {
    return std::nullopt;
  }
  const auto hit = services_.cache.find(k_mode_key);
  const auto text = hit ? io::read_slice(hit->slice, k_max_mode_record, k_mode_key)
                        : Result<std::string>(fail(Errc::not_found, "{} is gone", k_mode_key));
  auto record = text ? parse_mode_record(*text) : std::unexpected(text.error());
  if (!record) {
    log::warn("hydration: the tag's mode could not be read error={}", record.error().message);
    return std::nullopt;
  }
  return *std::move(record);
}

// Of the disk that the folder is on, or will be.
std::uint64_t Hydration::free_bytes() const {
  auto place = services_.config.sccache_dir;
  std::error_code error;
  while (!io::fs::exists(place, error) && place.has_relative_path()) {
    place = place.parent_path();
  }
  const auto free = io::free_space(place).value_or(0);
  return free - std::min(free, services_.config.min_free_bytes);
}

ModeFacts Hydration::facts(SccacheMode requested) const {
  ModeFacts facts{.requested = requested,
                  .recorded = recorded(),
                  .tag_is_empty = tag_was_empty_,
                  .checkout = checkout_digest(services_.config.checkout),
                  .room = true};
  if (services_.tag != nullptr && (facts.recorded || requested == SccacheMode::disk)) {
    const auto wanted = requested == SccacheMode::proxy ? k_proxy_namespace : k_direct_namespace;
    std::uint64_t needed = 0;
    services_.tag->each([&](std::string_view key, const publish::TagEntry& entry) {
      needed += key.starts_with(wanted) && key != k_mode_key ? entry.size : 0;
    });
    facts.tag_has_mode = needed > 0;
    facts.room = needed <= free_bytes();
  }
  return facts;
}

void Hydration::begin() {
  const auto& config = services_.config;
  if (config.sccache_dir.empty() || config.mode == publish::Mode::off) {
    return;
  }
  tag_was_empty_ = services_.tag == nullptr || services_.tag->figures().objects == 0;
  std::error_code error;
  if (config.sccache_leftover == Config::Leftover::removed) {
    io::fs::remove(sccache::list_beside(config.sccache_dir), error);
  }
  const bool filled_before = io::fs::exists(sccache::list_beside(config.sccache_dir), error);
  auto choice = choose_mode(facts(filled_before ? SccacheMode::disk : config.sccache_mode));
  if (!choice.note.empty()) {
    note(std::move(choice.note));
  }
  if (publishes(config.mode)) {
    record_ = std::move(choice.record);
  }
  if (choice.mode == SccacheMode::proxy) {
    put_record();
    return;
  }
  if (filled_before) {
    resume();
  } else if (auto filled = fill(); !filled) {
    record_.reset();
    note(fmt::format("disk mode cannot be used: {}; sccache uses the agent", filled.error().message));
    return;
  }
  use_disk();
}

void Hydration::use_disk() {
  const auto& config = services_.config;
  // Room for what was filled in, which sccache would else evict, and for what is to come.
  const auto budget = std::min(config.max_size_bytes, free_bytes());
  disk_ = sccache::DiskCache{.folder = config.sccache_dir, .size_bytes = filled_bytes_.value() + budget};
  services_.status.observe([&](Observed& observed) {
    observed.sccache_mode = SccacheMode::disk;
    observed.filled_bytes = filled_bytes_.value();
  });
}

// Its list tells what came from the tag; everything else in the folder is new.
void Hydration::resume() {
  const auto filled = collector_.recall();
  if (!filled) {
    note(fmt::format("all of sccache's folder is published anew: {}", filled.error().message));
    return;
  }
  filled_.add(filled->files);
  filled_bytes_.add(filled->bytes);
}

Result<void> Hydration::fill() {
  const auto& folder = services_.config.sccache_dir;
  AGENT_TRY(auto hydrator, sccache::Hydrator::open(folder));
  if (services_.tag != nullptr && reads(services_.config.mode)) {
    fill_from_tag(hydrator);
  }
  filled_.add(hydrator.files());
  filled_bytes_.add(hydrator.bytes());
  return collector_.remember({.files = hydrator.files(), .bytes = hydrator.bytes()});
}

void Hydration::fill_from_tag(sccache::Hydrator& hydrator) {
  Filling filling(hydrator, services_.cache, free_bytes());
  const auto figures = read_entries(
      *services_.tag, *services_.storage, k_direct_namespace,
      {.in_place = [&](std::string_view key, const io::FileSlice& slice,
                       std::uint32_t crc32c) { filling.take(key, slice, crc32c); },
       .fetched = [&](std::string_view key, std::string_view bytes) { filling.take(key, bytes); }});
  const auto left_out = filling.left_out() + figures.corrupt + figures.unreadable;
  const auto& why = filling.why() ? filling.why() : figures.error;
  if (left_out > 0) {
    note(fmt::format("{} of the tag's objects could not be filled into sccache's folder{}",
                     human_count(left_out), why ? ": " + why->message : std::string{}));
  }
}

Result<void> Hydration::store(std::string_view path, const io::FileSlice& file) {
  put_record();
  AGENT_TRY(auto write,
            services_.cache.begin(std::string(k_direct_namespace) + std::string(path), file.size));
  AGENT_CHECK(copy_into(write, file, path));
  return std::move(write).commit();
}

// Once, with the first object: a job that adds nothing changes nothing.
void Hydration::put_record() {
  if (!record_) {
    return;
  }
  const auto text = to_text(*std::exchange(record_, std::nullopt));
  auto write = services_.cache.begin(k_mode_key, text.size());
  auto put = write ? write->write(io::bytes_of(text)) : std::unexpected(write.error());
  if (put) {
    put = std::move(*write).commit();
  }
  if (!put) {
    log::warn("hydration: the tag's mode could not be stored error={}", put.error().message);
  }
}

std::uint64_t Hydration::collect_locked() {
  if (!disk_) {
    return 0;
  }
  const auto done =
      collector_.collect([&](std::string_view path, const io::FileSlice& file) { return store(path, file); });
  if (!done) {
    log::warn("hydration: sccache's folder could not be read error={}", done.error().message);
    return 0;
  }
  collected_.add(done->files);
  if (done->error) {
    log::warn("hydration: new objects could not be stored count={} first_error={}", done->failed,
              done->error->message);
  }
  return done->files;
}

std::uint64_t Hydration::collect() {
  const std::scoped_lock lock(mutex_);
  return collect_locked();
}

// sccache sets the time of what it answers with; the list was written when all was filled in.
void Hydration::note_uses() const {
  const auto& folder = services_.config.sccache_dir;
  std::error_code error;
  const auto filled = io::fs::last_write_time(sccache::list_beside(folder), error);
  if (error || services_.tag == nullptr) {
    return;
  }
  auto at =
      io::fs::recursive_directory_iterator(folder, io::fs::directory_options::skip_permission_denied, error);
  for (; !error && at != io::fs::end(at); at.increment(error)) {
    std::error_code gone;
    const auto time = at->last_write_time(gone);
    const auto path = at->path().lexically_relative(folder).string();
    if (!gone && time > filled && sccache::is_entry(path)) {
      services_.tag->note_use(std::string(k_direct_namespace) + path);
    }
  }
}

void Hydration::finish() {
  const std::scoped_lock lock(mutex_);
  collect_locked();
  if (disk_) {
    note_uses();
  }
  if (disk_ && !tag_was_empty_) {
    put_record();
  }
}

}  // namespace agent::app
