#include "agent/store/space.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "agent/store/pack_format.hpp"

namespace agent::store {

namespace {

constexpr std::uint64_t k_smallest_step_bytes = std::uint64_t{64} << 10U;
constexpr std::uint64_t k_largest_step_bytes = std::uint64_t{16} << 20U;

// Where a segment would end with one more record and then its footer.
std::uint64_t end_with(std::uint64_t tail_and_room, std::uint64_t size, std::uint64_t entry_bytes) {
  return whole_pages(tail_and_room + size + entry_bytes + k_footer_fixed_bytes + k_tail_bytes);
}

std::uint64_t end_with(const Segment& segment, std::uint64_t size, std::uint64_t entry_bytes) {
  return end_with(segment.tail + segment.footer_room, size, entry_bytes);
}

Extent take(const std::shared_ptr<Segment>& segment, std::uint64_t size, std::uint64_t entry_bytes) {
  Extent extent{.segment = segment, .offset = segment->tail, .size = size, .entry_bytes = entry_bytes};
  segment->pages.add(segment->tail, segment->tail + size);
  segment->tail += size;
  segment->footer_room += entry_bytes;
  ++segment->entries;
  ++segment->writers;
  ++segment->users;
  return extent;
}

}  // namespace

Space::Space(SpaceOptions options)
    : options_([&] {
        options.segment_bytes = std::max(whole_pages(options.segment_bytes), k_page_bytes);
        return std::move(options);
      }()) {}

Result<Space::Placement> Space::reserve(std::uint64_t size, std::uint64_t entry_bytes) {
  const auto alone = end_with(0, size, entry_bytes);
  if (alone > options_.max_size_bytes) {
    return fail(Errc::invalid, "reserve {} bytes: the store holds at most {}", size, options_.max_size_bytes);
  }
  if (auto extent = place(size, entry_bytes)) {
    return Placement{.extent = std::move(extent)};
  }
  const std::scoped_lock growing(growth_);
  if (alone > options_.segment_bytes) {
    return place_alone(size, entry_bytes);
  }
  while (true) {
    if (auto extent = place(size, entry_bytes)) {
      return Placement{.extent = std::move(extent)};
    }
    AGENT_TRY(auto grown, grow(size, entry_bytes));
    if (grown.missing_bytes > 0) {
      return grown;
    }
  }
}

std::optional<Extent> Space::place(std::uint64_t size, std::uint64_t entry_bytes) {
  return shared_.with([&](Shared& shared) -> std::optional<Extent> {
    if (!shared.open || shared.open->entries >= k_max_segment_entries ||
        end_with(*shared.open, size, entry_bytes) > shared.open->allocated) {
      return std::nullopt;
    }
    return take(shared.open, size, entry_bytes);
  });
}

Result<Space::Placement> Space::grow(std::uint64_t size, std::uint64_t entry_bytes) {
  const auto wanted = shared_.with([&](Shared& shared) -> Claim {
    if (!shared.open || shared.open->entries >= k_max_segment_entries) {
      return {};
    }
    const auto least = end_with(*shared.open, size, entry_bytes);
    return least > options_.segment_bytes ? Claim{} : claim(shared, shared.open, least);
  });
  if (!wanted.segment) {
    close_and_trim();
    AGENT_CHECK(begin_segment());
    return Placement{};
  }
  if (wanted.missing_bytes == 0) {
    AGENT_CHECK(extend(wanted));
  }
  return Placement{.extent = {}, .missing_bytes = wanted.missing_bytes};
}

// A record larger than a segment gets one of its own, which takes nothing else.
Result<Space::Placement> Space::place_alone(std::uint64_t size, std::uint64_t entry_bytes) {
  AGENT_TRY(auto segment, create_segment());
  const auto wanted = shared_.with(
      [&](Shared& shared) { return claim(shared, segment, end_with(*segment, size, entry_bytes)); });
  auto extended = wanted.missing_bytes == 0 ? extend(wanted) : Result<void>();
  if (!extended || wanted.missing_bytes > 0) {
    ::unlink(segment->path.c_str());
    AGENT_CHECK(extended);
    return Placement{.extent = {}, .missing_bytes = wanted.missing_bytes};
  }
  return shared_.with([&](Shared& shared) {
    segment->phase = Phase::closing;
    shared.segments.emplace(segment->number, segment);
    return Placement{.extent = take(segment, size, entry_bytes)};
  });
}

// Counts the growth of a segment to at least `least`, and to a whole step where the cap allows.
Space::Claim Space::claim(Shared& shared, std::shared_ptr<Segment> segment, std::uint64_t least) const {
  const auto step = std::clamp(options_.max_size_bytes / 64, k_smallest_step_bytes, k_largest_step_bytes);
  const auto from = segment->allocated;
  const auto stepped = std::min(whole_pages(from + step), options_.segment_bytes);
  Claim claim{.segment = std::move(segment), .from = from, .least = least, .to = std::max(least, stepped)};
  if (shared.used + (claim.to - from) > options_.max_size_bytes) {
    const auto missing = shared.used + (claim.to - from) - options_.max_size_bytes;
    claim.to = least;
    if (shared.used + (least - from) > options_.max_size_bytes) {
      claim.missing_bytes = missing;
      return claim;
    }
  }
  shared.used += claim.to - from;
  return claim;
}

Result<void> Space::extend(const Claim& claim) {
  auto to = claim.to;
  auto grown = allocate(*claim.segment, claim.from, to);
  if (!grown && grown.error().code == Errc::full && to > claim.least) {
    to = claim.least;
    grown = allocate(*claim.segment, claim.from, to);
  }
  if (!grown) {
    to = claim.from;
  }
  shared_.with([&](Shared& shared) {
    shared.used -= claim.to - to;
    claim.segment->allocated = to;
  });
  return grown;
}

Result<void> Space::allocate(const Segment& segment, std::uint64_t from, std::uint64_t to) const {
  if (options_.min_free_bytes > 0) {
    AGENT_TRY(const auto free, io::free_space(options_.folder));
    if (free < options_.min_free_bytes + (to - from)) {
      return fail(Errc::full, "reserve in {}: {} bytes are free and {} must stay so",
                  options_.folder.string(), free, options_.min_free_bytes);
    }
  }
  while (::fallocate(segment.file.get(), 0, static_cast<off_t>(from), static_cast<off_t>(to - from)) != 0) {
    if (errno == EOPNOTSUPP || errno == ENOSYS) {
      return {};  // the file grows as it is written; a full disk then shows at the write
    }
    if (errno == EFBIG) {
      return fail(Errc::full, "reserve in {}: the file may not grow further", segment.path.string());
    }
    if (errno != EINTR) {
      return fail_errno("reserve in", segment.path.string(), errno);
    }
  }
  return {};
}

Result<void> Space::begin_segment() {
  if (continue_segment()) {
    return {};
  }
  AGENT_TRY(auto segment, create_segment());
  shared_.with([&](Shared& shared) {
    shared.segments.emplace(segment->number, segment);
    shared.open = std::move(segment);
  });
  return {};
}

// Cuts the footer off the last segment of the previous run and appends to it.
bool Space::continue_segment() {
  const auto segment = shared_.with([](Shared& shared) {
    auto taken = std::exchange(shared.continued, nullptr);
    if (taken) {
      taken->phase = Phase::open;  // from here on it is not deleted, even when its last record goes
    }
    return taken;
  });
  if (!segment) {
    return false;
  }
  const bool cut = ::ftruncate(segment->file.get(), static_cast<off_t>(segment->tail)) == 0;
  shared_.with([&](Shared& shared) {
    if (!cut) {
      segment->phase = Phase::sealed;
      return;
    }
    segment->pages.remove(segment->tail, segment->end);
    segment->pages.cut(segment->tail);
    segment->end = 0;
    shared.used -= segment->allocated - whole_pages(segment->tail);
    segment->allocated = whole_pages(segment->tail);
    shared.open = segment;
  });
  return cut;
}

Result<std::shared_ptr<Segment>> Space::create_segment() {
  const auto number = shared_.with([](Shared& shared) { return shared.next_number++; });
  auto path = options_.folder / segment_name(number);
  AGENT_TRY(auto file, io::open_file(path, O_RDWR | O_CREAT | O_EXCL));
  return std::make_shared<Segment>(number, std::move(path), std::move(file));
}

// Needs `growth_`. What was allocated ahead is given back, except the room for the footer.
void Space::close_and_trim() {
  const auto segment = shared_.with([](Shared& shared) {
    auto taken = std::exchange(shared.open, nullptr);
    if (taken) {
      taken->phase = Phase::closing;
      ++taken->writers;  // nobody seals it before it is trimmed
    }
    return taken;
  });
  if (!segment) {
    return;
  }
  const auto keep = shared_.with([&](const Shared& /*shared*/) { return end_with(*segment, 0, 0); });
  const bool cut =
      keep < segment->allocated && ::ftruncate(segment->file.get(), static_cast<off_t>(keep)) == 0;
  announce_if(shared_.with([&](Shared& shared) {
    if (cut) {
      shared.used -= segment->allocated - keep;
      segment->allocated = keep;
    }
    return writer_done(shared, segment);
  }));
}

std::uint64_t Space::used_bytes() const {
  return shared_.with([](const Shared& shared) { return shared.used; });
}

}  // namespace agent::store
