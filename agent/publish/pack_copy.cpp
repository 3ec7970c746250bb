#include "agent/publish/pack_copy.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <system_error>
#include <utility>

#include "agent/core/log.hpp"

namespace agent::publish {

namespace {

using std::chrono::steady_clock;

// A fetch has its own time limits in the storage; this only keeps a waiter from waiting for ever.
constexpr std::chrono::minutes k_longest_wait(5);

std::string file_name_of(const std::string& pack_name) {
  return pack_name.substr(pack_name.rfind('/') + 1);
}

}  // namespace

PackCopy::PackCopy(Facts facts, io::Fd file, std::shared_ptr<PackCopies> owner)
    : facts_(std::move(facts)), file_(std::move(file)), owner_(std::move(owner)) {
  const auto count = static_cast<std::size_t>((facts_.size + k_copy_chunk_bytes - 1) / k_copy_chunk_bytes);
  state_.with([&](State& state) {
    state.chunks.assign(count, facts_.complete ? Chunk::here : Chunk::absent);
    state.missing = facts_.complete ? 0 : count;
  });
}

PackCopy::~PackCopy() {
  const bool complete = state_.with([](State& state) { return state.missing == 0 && !state.spoiled; });
  if (!complete) {
    ::unlink(facts_.part.c_str());
  }
  owner_->put_down(facts_.whole.filename().string(), facts_.size, complete);
}

PackCopy::Run PackCopy::chunks_of(backends::Range range) {
  if (range.size == 0) {
    return {};
  }
  const auto first = range.offset / k_copy_chunk_bytes;
  const auto last = (range.offset + range.size - 1) / k_copy_chunk_bytes;
  return {.first = static_cast<std::size_t>(first), .count = static_cast<std::size_t>(last - first + 1)};
}

backends::Range PackCopy::range_of(Run run) const {
  const auto offset = run.first * k_copy_chunk_bytes;
  return {.offset = offset, .size = std::min(run.count * k_copy_chunk_bytes, facts_.size - offset)};
}

std::optional<PackCopy::Run> PackCopy::absent_in(const State& state, Run within) {
  const auto chunks = std::span(state.chunks).subspan(within.first, within.count);
  const auto first = std::ranges::find(chunks, Chunk::absent);
  if (first == chunks.end()) {
    return std::nullopt;
  }
  const auto last = std::find_if(first, chunks.end(), [](Chunk chunk) { return chunk != Chunk::absent; });
  return Run{.first = within.first + static_cast<std::size_t>(first - chunks.begin()),
             .count = static_cast<std::size_t>(last - first)};
}

void PackCopy::mark(State& state, Run run, Chunk as) {
  std::ranges::fill(std::span(state.chunks).subspan(run.first, run.count), as);
}

std::size_t PackCopy::count(const State& state, Run within, Chunk what) {
  const auto chunks = std::span(state.chunks).subspan(within.first, within.count);
  return static_cast<std::size_t>(std::ranges::count(chunks, what));
}

std::optional<io::FileSlice> PackCopy::slice(backends::Range range) const {
  const auto run = chunks_of(range);
  const bool here = range.offset + range.size <= facts_.size && state_.with([&](const State& state) {
    return !state.spoiled && count(state, run, Chunk::here) == run.count;
  });
  if (!here) {
    return std::nullopt;
  }
  return io::FileSlice{
      .fd = file_.get(), .offset = range.offset, .size = range.size, .pin = shared_from_this()};
}

Result<void> PackCopy::ensure(backends::ObjectStorage& storage, backends::Range range) {
  if (range.offset + range.size > facts_.size) {
    return fail(Errc::corrupt, "pack {}: {} bytes at {} are beyond its end", facts_.name, range.size,
                range.offset);
  }
  const auto run = chunks_of(range);
  const auto deadline = steady_clock::now() + k_longest_wait;
  while (true) {
    std::optional<Run> mine;
    bool all_here = false;
    bool thrown_away = false;
    state_.with([&](State& state) {
      thrown_away = state.spoiled;
      all_here = count(state, run, Chunk::here) == run.count;
      mine = thrown_away ? std::nullopt : absent_in(state, run);
      if (mine) {
        mark(state, *mine, Chunk::under_way);
      }
    });
    if (thrown_away) {
      return fail(Errc::cancelled, "the copy of pack {} was thrown away", facts_.name);
    }
    if (all_here) {
      return {};
    }
    if (mine) {
      AGENT_CHECK(fill(storage, range_of(*mine)));
      continue;
    }
    const bool landed = state_.wait_until({}, deadline, [&](const State& state) {
      return state.spoiled || count(state, run, Chunk::under_way) == 0;
    });
    if (!landed) {
      return fail(Errc::transient, "pack {}: a fetch has been under way for {} min", facts_.name,
                  k_longest_wait.count());
    }
  }
}

std::optional<backends::Range> PackCopy::claim(backends::Range within, std::uint64_t most_bytes) {
  const auto chunks = chunks_of(within);
  const auto most = std::max<std::size_t>(1, static_cast<std::size_t>(most_bytes / k_copy_chunk_bytes));
  const auto run = state_.with([&](State& state) -> std::optional<Run> {
    auto found = state.spoiled ? std::nullopt : absent_in(state, chunks);
    if (found) {
      found->count = std::min(found->count, most);
      mark(state, *found, Chunk::under_way);
    }
    return found;
  });
  return run ? std::optional(range_of(*run)) : std::nullopt;
}

Result<void> PackCopy::fill(backends::ObjectStorage& storage, backends::Range claimed) {
  auto brought = bring(storage, claimed);
  settle(chunks_of(claimed), brought ? Chunk::here : Chunk::absent);
  return brought;
}

Result<void> PackCopy::bring(backends::ObjectStorage& storage, backends::Range range) {
  AGENT_TRY(const auto bytes, storage.get(facts_.name, range));
  if (!bytes) {
    return fail(Errc::not_found, "pack {} is gone", facts_.name);
  }
  return io::write_all_at(file_.get(), io::bytes_of(*bytes), range.offset, facts_.part.string());
}

void PackCopy::settle(Run run, Chunk outcome) {
  bool completed = false;
  state_.change([&](State& state) {
    mark(state, run, outcome);
    if (outcome == Chunk::here) {
      state.missing -= run.count;
      completed = state.missing == 0 && !state.spoiled;
    }
  });
  if (completed && ::rename(facts_.part.c_str(), facts_.whole.c_str()) != 0) {
    log::warn("publish: a complete copy could not get its name file={} error={}", facts_.whole.string(),
              std::generic_category().message(errno));
  }
}

void PackCopy::spoil() {
  const bool first = !state_.with([](const State& state) { return state.spoiled; });
  state_.change([](State& state) { state.spoiled = true; });
  if (first) {
    log::warn("publish: a local copy holds wrong bytes and is deleted pack={}", facts_.name);
    ::unlink(facts_.part.c_str());
    ::unlink(facts_.whole.c_str());
  }
}

bool PackCopy::spoiled() const {
  return state_.with([](const State& state) { return state.spoiled; });
}

Result<std::shared_ptr<PackCopies>> PackCopies::open(PackCopyOptions options) {
  AGENT_CHECK(io::make_folders(options.folder));
  auto copies = std::make_shared<PackCopies>(std::move(options));
  AGENT_CHECK(copies->scan());
  return copies;
}

Result<void> PackCopies::scan() {
  std::error_code trouble;
  for (const auto& entry : io::fs::directory_iterator(options_.folder, trouble)) {
    const auto extension = entry.path().extension();
    if (extension == ".pack") {
      state_.with([&](State& state) {
        state.idle.push_back({.file = entry.path().filename().string(),
                              .size = entry.file_size(trouble),
                              .used = entry.last_write_time(trouble)});
        state.taken += state.idle.back().size;
      });
    } else if (extension == ".part") {
      io::fs::remove(entry.path(), trouble);
    }
  }
  if (trouble) {
    return fail(Errc::io, "read {}: {}", options_.folder.string(), trouble.message());
  }
  return {};
}

// Deletes idle copies until `size` more bytes fit; false where they never will.
bool PackCopies::make_room(State& state, std::uint64_t size) const {
  const auto free = io::free_space(options_.folder).value_or(0);
  std::uint64_t freed = 0;
  const auto fits = [&] {
    return state.taken + size <= options_.budget_bytes && options_.min_free_bytes + size <= free + freed;
  };
  std::ranges::sort(state.idle, std::ranges::greater(), &Idle::used);
  while (!fits() && !state.idle.empty()) {
    const auto oldest = std::move(state.idle.back());
    state.idle.pop_back();
    ::unlink((options_.folder / oldest.file).c_str());
    state.taken -= oldest.size;
    freed += oldest.size;
  }
  return fits();
}

std::shared_ptr<PackCopy> PackCopies::of(const std::string& name, std::uint64_t size) {
  const auto base = file_name_of(name);
  const auto number = state_.with([](State& state) { return ++state.begun; });
  PackCopy::Facts facts{.name = name,
                        .size = size,
                        .part = options_.folder / fmt::format("{}.{}.part", base, number),
                        .whole = options_.folder / (base + ".pack"),
                        .complete = false};
  const auto taken = state_.with([&](State& state) {
    const auto known = std::ranges::find(state.idle, base + ".pack", &Idle::file);
    if (known != state.idle.end() && known->size == size) {
      facts.complete = true;
      state.idle.erase(known);
      return true;
    }
    if (!make_room(state, size)) {
      return false;
    }
    state.taken += size;
    return true;
  });
  if (!taken) {
    return nullptr;
  }
  const auto flags = facts.complete ? O_RDWR : O_RDWR | O_CREAT | O_TRUNC;
  auto file = io::open_file(facts.complete ? facts.whole : facts.part, flags, 0600);
  if (!file || (!facts.complete && ::ftruncate(file->get(), static_cast<off_t>(size)) != 0)) {
    state_.with([&](State& state) { state.taken -= size; });
    return nullptr;
  }
  ::futimens(file->get(), nullptr);  // the order of use; where it fails the order is a little off
  return std::make_shared<PackCopy>(std::move(facts), *std::move(file), shared_from_this());
}

void PackCopies::put_down(const std::string& whole, std::uint64_t size, bool complete) {
  state_.with([&](State& state) {
    if (complete) {
      state.idle.push_back({.file = whole, .size = size, .used = io::fs::file_time_type::clock::now()});
    } else {
      state.taken -= size;
    }
  });
}

}  // namespace agent::publish
