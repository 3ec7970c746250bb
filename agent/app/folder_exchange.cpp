#include "agent/app/folder_exchange.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include "agent/app/tag_entries.hpp"
#include "agent/core/log.hpp"
#include "agent/core/text.hpp"
#include "agent/io/fd.hpp"

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
  Filling(const folders::CacheFolder& rules, folders::Hydrator& hydrator, cache::Cache& cache,
          std::uint64_t room_bytes)
      : rules_(rules), hydrator_(hydrator), cache_(cache), room_bytes_(room_bytes) {}

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
  std::string_view path_of(std::string_view key) const { return key.substr(rules_.name_space.size()); }

  bool takes(std::string_view key, std::uint64_t size_bytes) {
    if (!rules_.is_entry(path_of(key))) {
      return false;  // the record of sccache's mode
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

  const folders::CacheFolder& rules_;
  folders::Hydrator& hydrator_;
  cache::Cache& cache_;
  std::uint64_t room_bytes_;
  std::uint64_t left_out_ = 0;
  std::optional<Error> why_;
};

}  // namespace

FolderExchange::FolderExchange(FolderServices services, const folders::CacheFolder& rules,
                               io::fs::path folder)
    : services_(services),
      rules_(rules),
      folder_(std::move(folder)),
      filled_(services.registry.counter("hearth_hydrated_objects_total",
                                        "Objects that the tools' folders were filled with.")),
      filled_bytes_(services.registry.counter("hearth_hydrated_bytes_total",
                                              "Bytes that the tools' folders were filled with.")),
      collected_(
          services.registry.counter("hearth_collected_objects_total",
                                    "Objects that tools added to their folders and that were taken over.")),
      collector_(rules, folder_) {}

void FolderExchange::note(std::string text) {
  log::warn("folders: {}", text);
  services_.status.observe([&](Observed& observed) { observed.notes.push_back(std::move(text)); });
}

bool FolderExchange::is_filled() const {
  std::error_code error;
  return io::fs::exists(folders::list_beside(folder_), error);
}

void FolderExchange::forget() {
  std::error_code ignored;
  io::fs::remove(folders::list_beside(folder_), ignored);
}

// Of the disk that the folder is on, or will be.
std::uint64_t FolderExchange::free_bytes() const {
  auto place = folder_;
  std::error_code error;
  while (!io::fs::exists(place, error) && place.has_relative_path()) {
    place = place.parent_path();
  }
  const auto free = io::free_space(place).value_or(0);
  return free - std::min(free, services_.config.min_free_bytes);
}

std::uint64_t FolderExchange::budget_bytes() const {
  return filled_with_.bytes + std::min(services_.config.max_size_bytes, free_bytes());
}

Result<void> FolderExchange::fill() {
  if (is_filled()) {
    // Its list tells what came from the tag; everything else in the folder is new.
    if (auto known = collector_.recall()) {
      filled_with_ = *known;
    } else {
      note(fmt::format("all of {}'s folder is published anew: {}", rules_.tool, known.error().message));
    }
  } else {
    AGENT_TRY(auto hydrator, folders::Hydrator::open(rules_, folder_));
    if (services_.tag != nullptr && reads(services_.config.mode)) {
      fill_from_tag(hydrator);
    }
    filled_with_ = {.files = hydrator.files(), .bytes = hydrator.bytes()};
    AGENT_CHECK(collector_.remember(filled_with_));
  }
  filled_.add(filled_with_.files);
  filled_bytes_.add(filled_with_.bytes);
  return {};
}

void FolderExchange::fill_from_tag(folders::Hydrator& hydrator) {
  Filling filling(rules_, hydrator, services_.cache, free_bytes());
  const auto figures = read_entries(
      *services_.tag, *services_.storage, rules_.name_space,
      {.in_place = [&](std::string_view key, const io::FileSlice& slice,
                       std::uint32_t crc32c) { filling.take(key, slice, crc32c); },
       .fetched = [&](std::string_view key, std::string_view bytes) { filling.take(key, bytes); }});
  const auto left_out = filling.left_out() + figures.corrupt + figures.unreadable;
  const auto& why = filling.why() ? filling.why() : figures.error;
  if (left_out > 0) {
    note(fmt::format("{} of the tag's objects could not be filled into {}'s folder{}", human_count(left_out),
                     rules_.tool, why ? ": " + why->message : std::string{}));
  }
}

Result<void> FolderExchange::store(std::string_view path, const io::FileSlice& file) {
  AGENT_TRY(auto write, services_.cache.begin(std::string(rules_.name_space) + std::string(path), file.size));
  AGENT_CHECK(copy_into(write, file, path));
  return std::move(write).commit();
}

std::uint64_t FolderExchange::collect_locked() {
  const auto done =
      collector_.collect([&](std::string_view path, const io::FileSlice& file) { return store(path, file); });
  if (!done) {
    log::warn("folders: {}'s folder could not be read error={}", rules_.tool, done.error().message);
    return 0;
  }
  collected_.add(done->files);
  if (done->error) {
    log::warn("folders: new objects could not be stored count={} first_error={}", done->failed,
              done->error->message);
  }
  return done->files;
}

std::uint64_t FolderExchange::collect() {
  const std::scoped_lock lock(mutex_);
  return collect_locked();
}

// Tools set the time of what they answer with; the list was written when all was filled in.
void FolderExchange::note_uses() const {
  std::error_code error;
  const auto filled = io::fs::last_write_time(folders::list_beside(folder_), error);
  if (error || services_.tag == nullptr) {
    return;
  }
  auto at =
      io::fs::recursive_directory_iterator(folder_, io::fs::directory_options::skip_permission_denied, error);
  for (; !error && at != io::fs::end(at); at.increment(error)) {
    std::error_code gone;
    const auto time = at->last_write_time(gone);
    const auto path = at->path().lexically_relative(folder_).string();
    if (!gone && time > filled && rules_.is_entry(path)) {
      services_.tag->note_use(std::string(rules_.name_space) + path);
    }
  }
}

std::uint64_t FolderExchange::finish() {
  const std::scoped_lock lock(mutex_);
  const auto collected = collect_locked();
  note_uses();
  return collected;
}

}  // namespace agent::app
